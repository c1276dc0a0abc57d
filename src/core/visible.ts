/**
 * How text from outside is shown to whoever decides: names of the provider's, arguments and reasons of an agent's, who
 * may well be hostile. Guarantees that two different texts never look the same, and that no text looks like another line,
 * another field, or a word of ours. What is printable ASCII is shown as it is. Anything else is named by its code point in
 * a mark, `⟨U+202E⟩`: in place of it where it is a control, is not drawn, moves its neighbours, or is a bracket that could
 * pass for that of a mark; behind it, with its script, where it is a letter or a sign that can be drawn: `prod` with a
 * Cyrillic o reads `prо⟨Cyrillic U+043E⟩d`. So the ASCII of what is shown says all of the text, and a reader who
 * reads nothing else is not misled. Spaces that a page would drop are marked too. (`l` and `I`, `0` and `O` are left to
 * the typeface.)
 *
 * What HTML and Markdown make of `<` and `[` is for whoever renders it to prevent: `html` is for the page.
 */
import { createHash } from 'node:crypto'

/**
 * - Cc, Cf, Zl, Zp, Co, Cn, Cs: controls, bidi controls and joiners, line separators, what no font agrees on, half a pair
 * - default-ignorable code points that are letters or marks by category: Hangul fillers, variation selectors, CGJ
 * - blanks that pass for the ordinary one, U+2800 too
 * - the blocks whose unassigned and assigned letters run right to left: they move what stands beside them, so a name
 *   would reorder the line around it without a single control character
 */
export const unseen =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]|(?! )\p{Zs}/gu

const hidden = new RegExp(unseen.source, 'u')
const bracket = /[\p{Ps}\p{Pe}\p{Pi}\p{Pf}]/u
const combining = /\p{M}/u
const stem = /[\p{L}\p{N}\p{M}]/u

/** A pile of marks on one letter covers the lines around it. */
const mostMarks = 3
/** Drawn characters that one mark names: the reader still sees which is which. */
const mostNamed = 8

/** `mark`: written by us, never from the text. A page draws it in another way than the rest. */
export type Piece = { readonly kind: 'text' | 'mark'; readonly text: string }

/** How many characters of a text are shown where nobody says otherwise. */
export const shownCharacters = 1_000

/**
 * One line, whatever the text was. Behind `most` characters of the text it ends in a mark that says how many are missing
 * and has the SHA-256 of the whole (of its UTF-8; of its JSON where half a surrogate pair stands in it).
 */
export function visible(text: string, most: number = shownCharacters): string {
  return joined(visiblePieces(text, most))
}

/** In quotation marks that the text cannot close. */
export function quoted(text: string, most: number = shownCharacters): string {
  return `"${joined(pieces(text, most, true))}"`
}

/** What `visible` joins, for a page that tells marks from text by more than their brackets. */
export function visiblePieces(text: string, most: number = shownCharacters): readonly Piece[] {
  return pieces(text, most, false)
}

/** Text for a page: as the content of an element, or in an attribute that stands in quotation marks. */
export function html(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`)
}

/** SHA-256 in hex. No two texts have one, half a surrogate pair or not. */
export function textDigest(text: string): string {
  return createHash('sha256')
    .update(text.isWellFormed() ? text : JSON.stringify(text))
    .digest('hex')
}

function joined(all: readonly Piece[]): string {
  return all.map((piece) => piece.text).join('')
}

function pieces(text: string, most: number, inQuotes: boolean): readonly Piece[] {
  // Two units at most make a character; what is not looked at need not be taken apart.
  const characters = Array.from(text.slice(0, 2 * most + 2)).slice(0, most)
  const rest = text.slice(characters.reduce((units, character) => units + character.length, 0))
  const writer = new Writer()
  for (const [i, character] of characters.entries()) {
    if (character === ' ') {
      const dropped = i === 0 || characters[i - 1] === ' ' || i === characters.length - 1
      if (dropped) writer.name(character)
      else writer.plain(character)
    } else if (character >= '!' && character <= '~') {
      if (inQuotes && character === '"') writer.name(character)
      else writer.plain(character)
    } else if (hidden.test(character) || bracket.test(character)) {
      writer.name(character)
    } else {
      writer.draw(character)
    }
  }
  writer.endRun()
  writer.flush()
  if (rest !== '') {
    const more = Array.from(rest).length
    writer.mark(`cut: ${String(more)} more characters, SHA-256 ${textDigest(text)}`)
  }
  return writer.written
}

class Writer {
  readonly written: Piece[] = []
  #text = ''
  /** Drawn already, and not yet named. */
  #run: string[] = []
  #script = ''
  /** How many combining marks stand on the last drawn letter; undefined where none can. */
  #marks: number | undefined

  plain(character: string): void {
    this.endRun()
    this.#text += character
    this.#marks = stem.test(character) ? 0 : undefined
  }

  /** The character is not drawn. */
  name(character: string): void {
    this.endRun()
    this.mark(codePoint(character))
  }

  /** The character is drawn, and named with the others of its run. */
  draw(character: string): void {
    const onLetter = combining.test(character)
    if (onLetter) {
      if (this.#run.length >= mostNamed) this.endRun()
      // With no letter to stand on it would join what we wrote.
      if (this.#marks === undefined || this.#marks >= mostMarks) return this.name(character)
      this.#marks++
    } else {
      const script = scriptOf(character)
      if (this.#run.length >= mostNamed || script !== this.#script) this.endRun()
      this.#script = script
      this.#marks = stem.test(character) ? 0 : undefined
    }
    this.#text += character
    this.#run.push(character)
  }

  endRun(): void {
    if (this.#run.length === 0) return
    const names = this.#run.map(codePoint).join(' ')
    const script = this.#script
    this.#run = []
    this.#script = ''
    this.mark(script === '' ? names : `${script} ${names}`)
  }

  mark(text: string): void {
    this.flush()
    this.#marks = undefined
    this.written.push({ kind: 'mark', text: `⟨${text}⟩` })
  }

  flush(): void {
    if (this.#text !== '') this.written.push({ kind: 'text', text: this.#text })
    this.#text = ''
  }
}

function codePoint(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

/** Scripts by which a reader knows a letter; of the rest the code point says enough. */
const scripts: readonly (readonly [string, RegExp])[] = [
  'Latin',
  'Greek',
  'Cyrillic',
  'Armenian',
  'Georgian',
  'Cherokee',
  'Coptic',
  'Lisu',
  'Canadian_Aboriginal',
  'Devanagari',
  'Bengali',
  'Tamil',
  'Thai',
  'Ethiopic',
  'Hangul',
  'Hiragana',
  'Katakana',
  'Han',
].map((name) => [name, new RegExp(`\\p{Script=${name}}`, 'u')])

function scriptOf(character: string): string {
  return scripts.find(([, letters]) => letters.test(character))?.[0] ?? ''
}

/**
 * What may reach a terminal. Names of resources, paths, aliases and reasons come from an agent, who may well be hostile:
 * a terminal escape hides a line or a link, a bidi control or a right-to-left letter turns `prod` into something else,
 * a newline poses as another entry. Every line the CLI prints goes through `visible`, so that whatever is not plainly
 * seen is shown as what it is, `\u{202e}`, and nothing is silently dropped. What a person decides on goes through
 * core/visible.ts, which promises more, and comes out of here as it went in.
 */
import { unseen } from '../core/visible.ts'

/** A mark with no letter to stand on joins what we printed before it; a pile of them covers the lines around it. */
const strayMarks = /(?<![\p{L}\p{N}\p{M}])\p{M}+|(?<=\p{M}{3})\p{M}+/gu

function escaped(text: string): string {
  let result = ''
  for (const character of text) {
    result += `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`
  }
  return result
}

/** One line of text, whatever it was: no control, no invisible and no reordering character is left in it. */
export function visible(text: string): string {
  return text.replaceAll(unseen, escaped).replaceAll(strayMarks, escaped)
}

/** A line of text no longer than `most` characters; where it was cut, it says by how much. */
export function cut(text: string, most: number): string {
  const shown = Array.from(visible(text))
  if (shown.length <= most) return shown.join('')
  const mark = (left: number): string => `…[+${String(left)}]`
  const room = Math.max(1, most - mark(shown.length).length)
  return `${shown.slice(0, room).join('')}${mark(shown.length - room)}`
}

/** Lines of JSON that mean exactly `value`, with the same characters escaped as `visible` escapes, in JSON's own way. */
export function visibleJson(value: unknown, indent?: number): string[] {
  const text = JSON.stringify(value, null, indent) ?? 'null'
  return text.split('\n').map((line) =>
    line.replaceAll(unseen, (characters) => {
      let result = ''
      for (let i = 0; i < characters.length; i++) {
        result += `\\u${characters.charCodeAt(i).toString(16).padStart(4, '0')}`
      }
      return result
    }),
  )
}

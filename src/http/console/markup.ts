/**
 * How pages are written. Guarantees that no text becomes markup: what is put between the pieces of a `markup` template is
 * escaped, unless it is itself made by one; there is no other way to make one. Text from outside is made visible first
 * (core/visible.ts), and stands in an element of its own that nothing in it can turn around.
 */
import { html, quoted, shownCharacters, visible } from '../../core/visible.ts'

const written = Symbol('markup')

export type Markup = { readonly [written]: string }

type Piece = Markup | string | number | readonly Markup[] | undefined

export function markup(strings: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  let text = strings[0] ?? ''
  for (const [i, value] of values.entries()) text += textOf(value) + (strings[i + 1] ?? '')
  return { [written]: text }
}

function textOf(value: Piece): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return html(String(value))
  if (written in value) return value[written]
  return value.map((each) => each[written]).join('')
}

/** Whether something is shown at all. */
export function when(shown: boolean, what: () => Markup): Markup | undefined {
  return shown ? what() : undefined
}

/** Text from outside, on one line, with what is not plain ASCII named in marks that look like nothing else. */
export function outside(text: string, most: number = shownCharacters): Markup {
  return marked(visible(text, most))
}

/** The same in quotation marks, which it cannot close. */
export function outsideQuoted(text: string, most: number = shownCharacters): Markup {
  return marked(quoted(text, most))
}

/** Text that has been through `visible`: each ⟨…⟩ in it is a mark of ours, since brackets from outside are named. */
export function marked(shown: string): Markup {
  const pieces = shown
    .split(/(⟨[^⟩]*⟩)/u)
    .filter((piece) => piece !== '')
    .map((piece) =>
      piece.startsWith('⟨') ? markup`<span class="mark">${piece}</span>` : markup`${piece}`,
    )
  return markup`<bdi dir="ltr">${pieces}</bdi>`
}

/** What is sent. */
export function toHtml(page: Markup): string {
  return page[written]
}

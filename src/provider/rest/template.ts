/**
 * Path templates: literal segments, and parameters that each fill one segment. What a parameter may hold is part of the
 * template, because it is what keeps a value from becoming path.
 */

/**
 * - `name`: letters, digits, `.`, `_` and `-`; never `.`, `..` or `*.git`
 * - `integer`: digits, in one spelling
 * - `string`: any text without `/`, in any spelling of it
 * - `slashes`: any text; a `/` in it came as `%2F` and leaves as `%2F`. As the last parameter of a template that nothing
 *   continues, it also takes several segments, which leave as several.
 */
export type ParameterType = 'name' | 'integer' | 'string' | 'slashes'

export type Part =
  { readonly literal: string } | { readonly parameter: string; readonly type: ParameterType }

export type Template = { readonly text: string; readonly parts: readonly Part[] }

const types: readonly ParameterType[] = ['name', 'integer', 'string', 'slashes']
const parameter = /^\{([A-Za-z_][A-Za-z0-9_-]*)(?:\|([a-z]+))?\}$/

/** Reads `/a/{b}/{c|integer}`; throws where the catalogue is not well-formed, which its tests would show. */
export function parseTemplate(text: string): Template {
  if (!text.startsWith('/')) throw new Error(`a template begins with "/": ${text}`)
  const parts = text === '/' ? [] : text.slice(1).split('/').map(parsePart)
  return { text, parts }
}

function parsePart(text: string): Part {
  const match = parameter.exec(text)
  if (match === null) {
    if (text === '' || /[{}%]/.test(text)) throw new Error(`not a literal or a parameter: ${text}`)
    return { literal: text }
  }
  const [, name = '', given = 'string'] = match
  const type = types.find((known) => known === given)
  if (type === undefined) throw new Error(`not a type of parameter: ${given}`)
  return { parameter: name, type }
}

const nameCharacters = /^[A-Za-z0-9._-]{1,100}$/

/** Whether a decoded segment may be the value of a parameter of this type. */
export function fits(value: string, type: ParameterType): boolean {
  switch (type) {
    case 'name':
      return nameCharacters.test(value) && !/^\.{1,2}$/.test(value) && !/\.git$/i.test(value)
    case 'integer':
      return /^(?:0|[1-9][0-9]{0,14})$/.test(value)
    case 'string':
      // A full-width slash, or a sign such as "℀", has a plain slash in it where a server normalises (NFKC).
      return !value.normalize('NFKC').includes('/')
    case 'slashes':
      return true
  }
}

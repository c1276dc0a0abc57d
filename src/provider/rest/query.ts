/**
 * Reads a query into the parameters that an operation declares, and writes it anew. A name that comes twice means the
 * first to one server and the last to another, and a name that the catalogue does not know could be anything: both are
 * refused. A token in a query would leave in the upstream's logs, and would speak for someone else than the credential.
 */
import type { JsonValue } from '../../core/operation.ts'
import { quoted, refuse, type Refused } from './refusal.ts'

/** In bytes, as sent. */
export const maxQueryLength = 8192

export type ValueType = 'string' | 'integer' | 'boolean'

export type ReadQuery = {
  readonly ok: true
  readonly values: ReadonlyMap<string, JsonValue>
  /** As it goes upstream, without `?`; empty where there was none. */
  readonly encoded: string
}

// RFC 3986 section 3.4, less `;` (a separator to older servers).
const queryCharacters = /^[A-Za-z0-9\-._~!$&'()*+,=:@/?%]*$/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const control = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/
const credentials = new Set([
  'access_token',
  'client_secret',
  'client_id',
  'token',
  'api_key',
  'private_token',
])

const not = (detail: string): Refused => refuse('not_understood', detail)

/** `query` is raw, without its `?`. A declared integer or boolean is read as one, so that a constraint can compare it. */
export function readQuery(
  query: string | undefined,
  declared: ReadonlyMap<string, ValueType>,
): ReadQuery | Refused {
  const values = new Map<string, JsonValue>()
  if (query === undefined || query === '') return { ok: true, values, encoded: '' }
  if (query.length > maxQueryLength) {
    return refuse('uri_too_long', `The query is longer than ${maxQueryLength} bytes.`)
  }
  if (!queryCharacters.test(query)) {
    return not(
      'The query has a character that must be percent-encoded (";", "#" and non-ASCII among them).',
    )
  }
  const pairs = query.split('&')
  const encoded: string[] = []
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    const text = equals === -1 ? '' : decode(pair.slice(equals + 1))
    if (name === undefined || text === undefined) {
      return not('The query is not valid percent-encoded UTF-8.')
    }
    if (name === '') return not('The query has a parameter without a name.')
    if (credentials.has(name.toLowerCase())) {
      return not(`A credential in the query (${quoted(name)}) is never forwarded.`)
    }
    const type = declared.get(name)
    if (type === undefined) {
      return not(`The query parameter ${quoted(name)} is not one of this operation's.`)
    }
    if (values.has(name)) return not(`The query parameter ${quoted(name)} comes twice.`)
    if (control.test(text)) {
      return not(`The query parameter ${quoted(name)} has a control character.`)
    }
    const value = readValue(text, type)
    if (value === undefined) {
      return not(`The query parameter ${quoted(name)} must be ${article(type)}.`)
    }
    values.set(name, value)
    encoded.push(equals === -1 ? encodeQuery(name) : `${encodeQuery(name)}=${encodeQuery(text)}`)
  }
  return { ok: true, values, encoded: encoded.join('&') }
}

/** Exactly one spelling of each number: `07`, `+7`, `7.0` and `7e0` are read differently by different servers. */
export function readValue(text: string, type: ValueType): JsonValue | undefined {
  switch (type) {
    case 'string':
      return text
    case 'integer':
      return /^(?:0|-?[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
  }
}

function article(type: ValueType): string {
  return type === 'integer' ? 'a whole number' : type === 'boolean' ? '"true" or "false"' : 'a text'
}

/** Percent-decoding, once; `+` is a space, as servers of forms read it. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** Leaves `/`, `:`, `@` and `,` readable; they have no meaning in a query. */
function encodeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, '/')
    .replace(/%3A/g, ':')
    .replace(/%40/g, '@')
    .replace(/%2C/g, ',')
}

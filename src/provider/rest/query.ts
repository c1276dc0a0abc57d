/**
 * Reads a query into the parameters that an operation declares, and writes it anew. A name that comes twice means the
 * first to one server and the last to another, and a name that the catalogue does not know could be anything: both are
 * refused. A token in a query would leave in the upstream's logs, and would speak for someone else than the credential.
 */
import type { JsonValue } from '../../core/operation.ts'
import { carriesCredential, decodeForm, encodeForm, readForm } from './form.ts'
import { quoted, refuse, type Refused } from './refusal.ts'

/** In bytes, as sent. */
export const maxQueryLength = 8192

export type ValueType = 'string' | 'integer' | 'boolean' | 'list'

export type ReadQuery = {
  readonly ok: true
  readonly values: ReadonlyMap<string, JsonValue>
  /** As it goes upstream, without `?`; empty where there was none. */
  readonly encoded: string
}

// RFC 3986 section 3.4, less `;` (a separator to older servers).
const queryCharacters = /^[A-Za-z0-9\-._~!$&'()*+,=:@/?%]*$/
/** With the brackets that clients of forms do not encode. */
const formCharacters = /^[A-Za-z0-9\-._~!$&'()*+,=:@/?%[\]]*$/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const control = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/

const not = (detail: string): Refused => refuse('not_understood', detail)

/** What holds for every query: its length and its characters. */
export function checkQuery(query: string, characters = queryCharacters): Refused | undefined {
  if (query.length > maxQueryLength) {
    return refuse('uri_too_long', `The query is longer than ${maxQueryLength} bytes.`)
  }
  if (!characters.test(query)) {
    return not(
      'The query has a character that must be percent-encoded (";", "#" and non-ASCII among them).',
    )
  }
  return undefined
}

/** A query whose parameters the description does not say, nested by brackets. */
export function readOpenQuery(query: string | undefined): ReadQuery | Refused {
  if (query === undefined || query === '') return { ok: true, values: new Map(), encoded: '' }
  const refused = checkQuery(query, formCharacters)
  if (refused !== undefined) return refused
  const form = readForm(query)
  if (!form.ok) return form
  return { ok: true, values: new Map(Object.entries(form.value)), encoded: form.encoded }
}

/** `query` is raw, without its `?`. A declared integer or boolean is read as one, so that a constraint can compare it. */
export function readQuery(
  query: string | undefined,
  declared: ReadonlyMap<string, ValueType>,
): ReadQuery | Refused {
  const values = new Map<string, JsonValue>()
  if (query === undefined || query === '') return { ok: true, values, encoded: '' }
  const refused = checkQuery(query)
  if (refused !== undefined) return refused
  const pairs = query.split('&')
  const encoded: string[] = []
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decodeForm(equals === -1 ? pair : pair.slice(0, equals))
    const text = equals === -1 ? '' : decodeForm(pair.slice(equals + 1))
    if (name === undefined || text === undefined) {
      return not('The query is not valid percent-encoded UTF-8.')
    }
    if (name === '') return not('The query has a parameter without a name.')
    if (carriesCredential(name)) {
      return not(`A credential in the query (${quoted(name)}) is never forwarded.`)
    }
    // A list comes as `name=a&name=b` or as `name[]=a&name[]=b`.
    const own = declared.has(name) || !name.endsWith('[]') ? name : name.slice(0, -2)
    const type = declared.get(own)
    if (type === undefined || (own !== name && type !== 'list')) {
      return not(`The query parameter ${quoted(name)} is not one of this operation's.`)
    }
    if (type !== 'list' && values.has(own))
      return not(`The query parameter ${quoted(name)} comes twice.`)
    if (control.test(text)) {
      return not(`The query parameter ${quoted(name)} has a control character.`)
    }
    const value = readValue(text, type)
    if (value === undefined) {
      return not(`The query parameter ${quoted(name)} must be ${article(type)}.`)
    }
    const before = values.get(own)
    values.set(own, type !== 'list' ? value : Array.isArray(before) ? [...before, value] : [value])
    encoded.push(equals === -1 ? encodeForm(name) : `${encodeForm(name)}=${encodeForm(text)}`)
  }
  return { ok: true, values, encoded: encoded.join('&') }
}

/** Exactly one spelling of each number: `07`, `+7`, `7.0` and `7e0` are read differently by different servers. */
export function readValue(text: string, type: ValueType): JsonValue | undefined {
  switch (type) {
    case 'string':
    case 'list':
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

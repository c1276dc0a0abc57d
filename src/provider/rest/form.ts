/**
 * Reads application/x-www-form-urlencoded with brackets for what is nested, as Stripe and Rails do, into one JSON value,
 * and writes it anew: `items[0][price]=p&expand[]=a` is `{ items: { '0': { price: 'p' } }, expand: ['a'] }`. A name that
 * comes twice, or that is a text in one place and an object in another, means different things to different servers and
 * is refused.
 */
import type { JsonObject, JsonValue } from '../../core/operation.ts'
import { quoted, refuse, type Refused } from './refusal.ts'

const deepest = 10
const mostPairs = 2_000
// oxlint-disable-next-line no-control-regex -- NUL is what is looked for; a text may hold line feeds
const nul = /\x00/
/**
 * The first key is a plain word: servers are known to trim spaces off it, and to read dots, spaces and brackets in it as
 * other characters. Keys in brackets may be data (`metadata[order id]`), but hold no control character.
 */
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const nameForm = /^([A-Za-z_$][\w$.:~-]*)((?:\[[^[\]\x00-\x1f\x7f]*\])*)$/

export type Form = {
  readonly ok: true
  readonly value: JsonObject
  /** As it goes upstream. */
  readonly encoded: string
}

const not = (detail: string): Refused => refuse('not_understood', detail)

export function readForm(text: string): Form | Refused {
  const value: JsonObject = {}
  const encoded: string[] = []
  if (text === '') return { ok: true, value, encoded: '' }
  const pairs = text.split('&')
  if (pairs.length > mostPairs) return not(`A form has at most ${String(mostPairs)} fields here.`)
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decodeForm(equals === -1 ? pair : pair.slice(0, equals))
    const content = equals === -1 ? '' : decodeForm(pair.slice(equals + 1))
    if (name === undefined || content === undefined)
      return not('The form is not valid percent-encoded UTF-8.')
    if (nul.test(name) || nul.test(content)) return not('The form has a NUL character.')
    const match = nameForm.exec(name)
    if (match === null) return not(`The field ${quoted(name)} is not in a form that is read here.`)
    const [, first = '', rest = ''] = match
    if (carriesCredential(first)) {
      return not(`A credential in the form (${quoted(first)}) is never forwarded.`)
    }
    const keys = [first, ...[...rest.matchAll(/\[([^[\]]*)\]/g)].map((inner) => inner[1] ?? '')]
    if (keys.length > deepest) return not(`The field ${quoted(name)} is nested too deeply.`)
    if (keys.includes('__proto__')) return not(`The field ${quoted(name)} has no meaning here.`)
    // `a[][b]` begins a new item or goes on with the last one, as each server likes.
    if (keys.slice(0, -1).includes('')) return not(`Number the items of ${quoted(name)}.`)
    if (!place(value, keys, content))
      return not(`The field ${quoted(name)} comes twice, or as two kinds of value.`)
    encoded.push(`${encodeForm(name)}=${encodeForm(content)}`)
  }
  return { ok: true, value, encoded: encoded.join('&') }
}

/** False where something else stands there already. */
function place(into: JsonObject, keys: readonly string[], content: string): boolean {
  const [key = '', next] = keys
  const existing: JsonValue | undefined = Object.hasOwn(into, key) ? into[key] : undefined
  if (next === undefined) {
    if (existing !== undefined) return false
    into[key] = content
    return true
  }
  if (next === '') {
    if (existing === undefined) into[key] = [content]
    else if (Array.isArray(existing)) existing.push(content)
    else return false
    return true
  }
  if (existing === undefined) {
    const inner: JsonObject = {}
    into[key] = inner
    return place(inner, keys.slice(1), content)
  }
  if (existing === null || typeof existing !== 'object' || Array.isArray(existing)) return false
  return place(existing, keys.slice(1), content)
}

const credentials = new Set([
  'access_token',
  'client_secret',
  'client_id',
  'token',
  'api_key',
  'private_token',
])

/** Names under which providers take a credential from a query or a form, where it would speak for another than ours. */
export function carriesCredential(name: string): boolean {
  return credentials.has(name.toLowerCase())
}

/** Percent-decoding, once; `+` is a space, as servers of forms read it. */
export function decodeForm(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** Leaves `/`, `:`, `@` and `,` readable; they have no meaning in a query. */
export function encodeForm(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, '/')
    .replace(/%3A/g, ':')
    .replace(/%40/g, '@')
    .replace(/%2C/g, ',')
}

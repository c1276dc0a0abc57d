/**
 * What a provider answers to whoever mints: JSON that means one thing, or a refusal that can be shown. Against a provider, or
 * what stands in its place, that quotes what it was sent: of its words nothing is kept that could be a secret or a part of
 * one, in whatever encoding.
 */
import { parseJson } from '../core/json.ts'
import type { MintRefusal } from './kind.ts'

export type Answer = { readonly status: number; readonly text: string }
export type Members = Readonly<Record<string, unknown>>

/** Undefined for what is no JSON object, or one that two readers could read as two. */
export function membersOf(text: string): Members | undefined {
  const parsed = parseJson(Buffer.from(text), { maxDepth: 32 })
  return parsed.ok ? asMembers(parsed.value) : undefined
}

export function asMembers(value: unknown): Members | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Members)
    : undefined
}

/** The text at `path`, own members only. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let at: unknown = value
  for (const name of path) {
    const members = asMembers(at)
    if (members === undefined || !Object.hasOwn(members, name)) return undefined
    at = members[name]
  }
  return typeof at === 'string' ? at : undefined
}

/** A token that can travel in a field of a request, and be nothing but its value. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{8,8192}$/.test(value)
}

/** Milliseconds since the epoch; undefined for what is no moment of RFC 3339 in UTC. */
export function momentOf(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(value)) return undefined
  const moment = Date.parse(value)
  return Number.isNaN(moment) ? undefined : moment
}

/**
 * A refusal for an answer that is not the one hoped for: what is wrong with the question would be wrong again, what is
 * wrong with the provider may pass. `who` begins the sentence; `words` are the provider's.
 */
export function refusalOf(
  who: string,
  { status }: Answer,
  words: string | undefined,
  hidden: readonly string[],
): MintRefusal {
  const limited = status === 403 && /rate limit/i.test(words ?? '')
  const asked = status >= 400 && status < 500 && status !== 408 && status !== 429 && !limited
  const said = words === undefined || words === '' ? '' : `: ${quoted(words, hidden)}`
  const detail = `${who} answered ${String(status)}${said}`
  return { ok: false, why: asked ? 'rejected' : 'unavailable', detail }
}

/**
 * At most 200 characters of a provider's words, on one line. What the exchange held in secret is taken out, and whatever
 * else is long enough without a blank to be a token, a signature or a piece of a key in another encoding.
 */
export function quoted(words: string, hidden: readonly string[]): string {
  let text = words.slice(0, 10_000)
  for (const secret of hidden) if (secret.length >= 4) text = text.replaceAll(secret, '[redacted]')
  return text
    .replace(/[A-Za-z0-9+/=_.~%\\-]{24,}/g, '[…]')
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 200)
    .trim()
}

/**
 * Compact JWS (RFC 7515 §3.1) taken apart before any library sees it. One token has one spelling here: libraries decode
 * base64url leniently, so that several texts would be the same token. Header and payload are JSON objects without
 * duplicate keys, so that nobody reads another `alg` or `aud` out of them than we do. Nothing is verified yet.
 */
import { parseJson } from './json.ts'

export type CompactJws = {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
}

const segment = /^[A-Za-z0-9_-]+$/

/** Undefined for whatever is longer than `longest` characters, or is no compact JWS around a JSON object. */
export function readCompactJws(token: string, longest: number): CompactJws | undefined {
  if (token.length > longest) return undefined
  const parts = token.split('.')
  if (parts.length !== 3 || !parts.every(isCanonical)) return undefined
  const header = readObject(parts[0])
  const payload = readObject(parts[1])
  return header === undefined || payload === undefined ? undefined : { header, payload }
}

/** Whether it is base64url as one writes it: no padding, no stray characters, no bits that nobody reads. */
export function isCanonical(text: string): boolean {
  return segment.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text
}

/** The JSON object in a segment; undefined where it is none. */
export function readObject(text: string | undefined): Record<string, unknown> | undefined {
  const parsed = parseJson(Buffer.from(text ?? '', 'base64url'))
  if (!parsed.ok || parsed.value === null || typeof parsed.value !== 'object') return undefined
  return Array.isArray(parsed.value) ? undefined : parsed.value
}

/**
 * JSON Canonicalization Scheme (RFC 8785): one spelling for one value, so that a digest of it means something to a
 * program that is not ours. Keys are sorted by UTF-16 code units and numbers are written as ECMAScript writes them,
 * which is what the RFC prescribes. A lone surrogate, which the RFC leaves out, is written as its `\\udXXX` escape, as
 * JSON.stringify does: it stays readable, and no two strings share a spelling.
 */
export type Canonical =
  | null
  | boolean
  | number
  | string
  | readonly Canonical[]
  | { readonly [key: string]: Canonical | undefined }

/** The canonical text. Members that are undefined are left out. Throws a RangeError for NaN and infinities. */
export function canonicalize(value: Canonical): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value))
      throw new RangeError('a number that is not finite has no canonical form')
    return JSON.stringify(value)
  }
  if (isArray(value)) return `[${value.map(canonicalize).join(',')}]`
  let text = ''
  for (const key of Object.keys(value).sort()) {
    const member = value[key]
    if (member === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalize(member)}`
  }
  return `{${text}}`
}

function isArray(value: object): value is readonly Canonical[] {
  return Array.isArray(value)
}

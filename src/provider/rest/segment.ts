/**
 * Reads a request path so that it can mean one thing only. Proxies have been passed by paths that the policy read one
 * way and the upstream another (CVE-2026-22031, GHSA-p224-6x5r-fjpm, CVE-2026-34908): here the raw text is split on
 * `/` first, every segment is decoded exactly once, whatever a second decoding or a normalisation could turn into
 * another path is refused, and nothing of the raw text is kept. The path that leaves is encoded anew from the segments.
 */
import { quoted, refuse, type Refused } from './refusal.ts'

/** In bytes, as sent. */
export const maxPathLength = 8192
export const maxSegments = 100

/** RFC 3986 section 3.3: the characters of a path. Anything else has to come percent-encoded. */
const pathCharacters = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/
const stillEncoded = /%[0-9A-Fa-f]{2}/
// oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
const control = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/

export type Segments = { readonly ok: true; readonly segments: readonly string[] }

const not = (detail: string): Refused => refuse('not_understood', detail)

/**
 * The decoded segments of a raw path; `/` has none. A segment may hold a `/` that came as `%2F`: whether that may be
 * is for the template to say.
 */
export function readPath(path: string): Segments | Refused {
  if (path.length > maxPathLength) {
    return refuse('uri_too_long', `The path is longer than ${maxPathLength} bytes.`)
  }
  if (!path.startsWith('/')) return not('The request target must be a path that begins with "/".')
  if (!pathCharacters.test(path)) {
    return not(
      'The path has a character that must come percent-encoded, as " ", "\\", "#" and "[" must.',
    )
  }
  if (path === '/') return { ok: true, segments: [] }
  const raw = path.slice(1).split('/')
  if (raw.length > maxSegments) {
    return refuse('uri_too_long', `The path has more than ${maxSegments} segments.`)
  }
  const segments: string[] = []
  for (const text of raw) {
    const segment = readSegment(text)
    if (typeof segment !== 'string') return segment
    segments.push(segment)
  }
  return { ok: true, segments }
}

function readSegment(raw: string): string | Refused {
  if (raw === '') {
    return not('The path has an empty segment ("//", or a "/" at its end); write it without.')
  }
  let text: string
  try {
    text = decodeURIComponent(raw)
  } catch {
    return not('The path is not valid percent-encoded UTF-8.')
  }
  return flawOf(text) ?? text
}

/** Whether a text can be a segment of a path, and means that one to every server. A `/` in it is encoded. */
export function isSegment(text: string): boolean {
  return text.isWellFormed() && flawOf(text) === undefined
}

function flawOf(text: string): Refused | undefined {
  if (control.test(text)) return not('The path has an encoded control character.')
  if (text.includes('\\')) {
    return not('The path has an encoded backslash, which some servers read as "/".')
  }
  if (stillEncoded.test(text)) {
    return not('The path is still percent-encoded after being decoded once; encode it once only.')
  }
  // Full-width dots and slashes become plain ones where a server normalises (NFKC).
  for (const form of [text, text.normalize('NFKC')]) {
    for (const piece of form.split(/[/\\]/)) {
      if (isDotSegment(piece)) return not(`${quoted(text)} has a dot segment, or an empty one.`)
    }
  }
  return undefined
}

/** `.`, `..` and nothing; also followed by `;parameters` or surrounded by spaces, which servers are known to drop. */
function isDotSegment(piece: string): boolean {
  const bare = (piece.split(';', 1)[0] ?? '').trim()
  return bare === '' || bare === '.' || bare === '..'
}

/** One segment, percent-encoded: everything but RFC 3986's unreserved characters, `:` and `@`. `/` becomes `%2F`. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment)
    .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%3A/g, ':')
    .replace(/%40/g, '@')
}

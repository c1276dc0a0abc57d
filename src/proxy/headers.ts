/**
 * Header fields, on the way in and on the way back. In: whatever could mean one thing to us and another to the next hop
 * is refused by name (two of a field, underscores, framing, upgrades, overrides). Back: an answer loses what belongs to
 * the connection, to another origin or to the provider's own sessions, and the credential's value wherever it stands.
 */
import type { ProblemCode } from '../problem.ts'

export type Inspected =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly ok: false
      readonly refusal: Refusal
      /**
       * The fields that came exactly once: enough to tell who is refused, so that the refusal can be recorded as
       * theirs. Nothing else may be read from them.
       */
      readonly headers: Readonly<Record<string, string>>
    }

type Refusal = { readonly code: ProblemCode; readonly detail: string }

const mostFields = 100

/** RFC 9110 §5.3: fields that are lists may come more than once, and mean the same joined by a comma. */
const lists = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'forwarded',
  'pragma',
  'via',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
])

const overrides = new Set(['x-http-method-override', 'x-http-method', 'x-method-override'])

function refusal(code: ProblemCode, detail: string): Refusal {
  return { code, detail }
}

/** `raw`: names and values in turn, as Node gives them. */
export function inspectRequestHeaders(raw: readonly string[]): Inspected {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  let refused =
    raw.length > mostFields * 2
      ? refusal('header_fields_too_large', `more than ${String(mostFields)} header fields`)
      : checkUpgrade(raw)
  for (let i = 0; i < raw.length && refused === undefined; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    const value = raw[i + 1] ?? ''
    const before = headers[name]
    // Some servers read Transfer_Encoding as Transfer-Encoding (CGI's names); none of ours has an underscore.
    if (name.includes('_')) {
      refused = refusal('not_understood', `the header field name ${quote(name)} has an underscore`)
    } else if (before === undefined) headers[name] = value
    else if (lists.has(name)) headers[name] = `${before}, ${value}`
    else refused = refusal('not_understood', `the header field ${quote(name)} came twice`)
  }
  refused ??= checkFraming(headers)
  return refused === undefined
    ? { ok: true, headers }
    : { ok: false, refusal: refused, headers: fieldsThatCameOnce(raw) }
}

function fieldsThatCameOnce(raw: readonly string[]): Readonly<Record<string, string>> {
  const values = new Map<string, string | undefined>()
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? '').toLowerCase()
    values.set(name, values.has(name) ? undefined : raw[i + 1])
  }
  const once: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of values) if (value !== undefined) once[name] = value
  return once
}

/** Asked first: who wants a stream is told so, whatever else their request has twice (kubectl's `exec`). */
function checkUpgrade(raw: readonly string[]): Refusal | undefined {
  for (let i = 0; i < raw.length; i += 2)
    if (raw[i]?.length === 7 && raw[i]?.toLowerCase() === 'upgrade')
      return refusal('not_understood', 'upgrades are not supported')
  return undefined
}

function checkFraming(headers: Readonly<Record<string, string>>): Refusal | undefined {
  const coding = headers['transfer-encoding']
  const length = headers['content-length']
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    return refusal('not_understood', 'the only transfer coding that is read here is chunked, once')
  }
  if (coding !== undefined && length !== undefined) {
    return refusal(
      'not_understood',
      'Content-Length and Transfer-Encoding in one request say two lengths',
    )
  }
  if (length !== undefined && !/^(0|[1-9][0-9]{0,15})$/.test(length)) {
    return refusal('not_understood', 'Content-Length must be a plain decimal number')
  }
  // Node has answered 100 by now; RFC 9110 §10.1.1 knows no other expectation.
  const expect = headers['expect']
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return refusal('expectation_failed', 'the only expectation that is met here is 100-continue')
  }
  const connection = headers['connection']
  if (connection !== undefined && !/^\s*(close|keep-alive)\s*$/i.test(connection)) {
    return refusal('not_understood', 'Connection may say close or keep-alive only')
  }
  for (const name of overrides) {
    if (headers[name] !== undefined)
      return refusal('not_understood', `${name} is not supported: send the method that is meant`)
  }
  return undefined
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 60))
}

/** RFC 9110 §7.6.1: they are about the connection, which ends here. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** What would act on our own origin, or is a credential of the provider's, or gives orders to a proxy in front of us. */
const ours = new Set([
  'alt-svc',
  'clear-site-data',
  'content-security-policy',
  'content-security-policy-report-only',
  // A client would put it into its proofs for us.
  'dpop-nonce',
  'nel',
  'public-key-pins',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'sourcemap',
  'strict-transport-security',
  'www-authenticate',
  'x-lighttpd-send-file',
  'x-reproxy-url',
  'x-sendfile',
  'x-sourcemap',
])

/** Whole families: the connection's, our own, permissions for browsers on our origin, orders to a proxy in front. */
const droppedPrefixes = ['proxy-', 'valetkey-', 'access-control-', 'x-accel-']

/** RFC 9110 §5.5, in latin1. */
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** A `Connection` that names these would have us drop what the answer cannot be read without. */
const endToEnd = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'location',
  'etag',
  'date',
])

export type AnswerHeaders = {
  /** Names and values in turn, ready for `writeHead`. */
  readonly headers: string[]
  readonly contentEncoding: string | undefined
  readonly contentType: string | undefined
}

/**
 * What of a provider's header fields the agent gets. `scrub` takes the credential out of a string; `links` makes of a
 * `Link` what the agent can follow. Content-Length and
 * Content-Encoding are left to the caller, who knows whether they still hold.
 */
export function answerHeaders(
  raw: readonly string[],
  scrub: (text: string) => string,
  links: (value: string) => string | undefined,
): AnswerHeaders {
  const named = new Set<string>()
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'connection') continue
    for (const option of (raw[i + 1] ?? '').split(',')) named.add(option.trim().toLowerCase())
  }
  const headers: string[] = []
  const codings: string[] = []
  let contentType: string | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const original = raw[i] ?? ''
    const name = original.toLowerCase()
    const given = raw[i + 1] ?? ''
    const value = name === 'link' ? links(given) : given
    if (value === undefined) continue
    if (name === 'content-encoding') codings.push(value)
    if (name === 'content-encoding' || name === 'content-length') continue
    if (name === 'content-type') contentType = value
    if (hopByHop.has(name) || ours.has(name) || (named.has(name) && !endToEnd.has(name))) continue
    if (droppedPrefixes.some((prefix) => name.startsWith(prefix))) continue
    // `writeHead` throws on them, and an answer must not be able to do that.
    if (!fieldValue.test(value)) continue
    // A name cannot be rewritten without becoming another field.
    if (scrub(original) !== original) continue
    headers.push(original, scrub(value))
  }
  return {
    headers,
    contentEncoding: codings.length === 0 ? undefined : codings.join(', '),
    contentType,
  }
}

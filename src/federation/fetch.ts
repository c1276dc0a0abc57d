/**
 * Fetches an issuer's metadata and keys. Guarantees: over https, with the certificate checked; to a public address, looked at
 * on the very addresses that are connected to, and where the issuer was declared internal to a private one too, never to a
 * cloud's metadata or to what is no machine's; redirects are refusals; size, time and form are bounded. Against a name that
 * leads inwards, now or later, and against an issuer, or whoever took its host over, that answers with too much, too slowly
 * or with something else. Nothing of ours is sent along.
 */
import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { parseJson } from '../core/json.ts'
import type { JsonValue } from '../core/operation.ts'
import { issuerClient } from './issuer-client.ts'
import { complaintAboutUrl, type IsPublicAddress } from './issuer.ts'

export type FetchedJson =
  | {
      readonly ok: true
      readonly value: JsonValue
      /** Seconds for which the answer may be kept, by its `Cache-Control`; undefined where it says nothing. */
      readonly maxAge: number | undefined
    }
  | {
      readonly ok: false
      /** Of an answer that was not 200. */
      readonly status?: number
      /** For the log; it quotes nothing that came over the wire. */
      readonly detail: string
    }

/** `internal`: the URL may lie in a private network, or be plain HTTP on loopback. Never rejects. */
export type FetchJson = (
  url: string,
  options: { readonly internal: boolean },
) => Promise<FetchedJson>

export type IssuerFetchOptions = {
  /** Leaves only public addresses, and fails where a name has any other. */
  readonly lookup: LookupFunction
  readonly isPublicAddress: IsPublicAddress
  /** Of names of declared internal issuers; what it finds is looked at. The system's, unless a test has another. */
  readonly resolve?: LookupFunction
  /** Milliseconds from the first look-up to the last byte. */
  readonly timeout?: number
  /** Of a body, in bytes. */
  readonly longest?: number
}

const json = /^application\/(?:[a-z0-9.-]+\+)?json[ \t]*(?:;|$)/i

export function createIssuerFetch(options: IssuerFetchOptions): FetchJson {
  const { lookup, resolve, isPublicAddress, timeout = 5_000, longest = 262_144 } = options

  return async (text, { internal }) => {
    const complaint = complaintAboutUrl(text, internal, isPublicAddress)
    if (complaint !== undefined) return { ok: false, detail: complaint }
    const url = new URL(text)
    const client = issuerClient(url.origin, { lookup, resolve, internal, timeout })
    try {
      // One bound for all of it: an answer that drips a byte now and then resets every other timeout.
      const signal = AbortSignal.timeout(timeout)
      const answer = await client.request({
        method: 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { accept: 'application/json', 'user-agent': 'valetkey' },
        signal,
      })
      return await read(answer, longest)
    } catch (error) {
      return { ok: false, detail: `it could not be fetched: ${nameOf(error)}` }
    } finally {
      // Not awaited: it has nothing to say to whoever waits for the keys.
      client.destroy().catch(() => undefined)
    }
  }
}

async function read(answer: Dispatcher.ResponseData, longest: number): Promise<FetchedJson> {
  const { statusCode: status, headers, body } = answer
  const refuse = (detail: string): FetchedJson => {
    body.on('error', () => undefined).destroy()
    return { ok: false, status, detail }
  }
  if (status !== 200)
    return refuse(
      status >= 300 && status < 400 ? 'it answers with a redirect' : `it answers with ${status}`,
    )
  const type = headers['content-type']
  if (typeof type !== 'string' || !json.test(type)) return refuse('its answer is not called JSON')
  // None was asked for; a small one can unfold into a large one.
  if (headers['content-encoding'] !== undefined) return refuse('its answer is compressed')
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > longest) return refuse(`its answer is longer than ${longest} bytes`)
    pieces.push(piece)
  }
  const parsed = parseJson(Buffer.concat(pieces), { maxDepth: 16 })
  if (!parsed.ok) return { ok: false, detail: `its answer was refused: ${parsed.detail}` }
  return { ok: true, value: parsed.value, maxAge: maxAgeOf(headers['cache-control']) }
}

/** RFC 9111 §5.2.2. */
function maxAgeOf(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/(?:^|[ ,])no-(?:store|cache)\b/i.test(header)) return 0
  const seconds = /(?:^|[ ,])max-age=(\d{1,9})(?:[ ,]|$)/i.exec(header)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name
}

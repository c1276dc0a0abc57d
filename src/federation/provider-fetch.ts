/**
 * The way from the OpenID Connect client to the operators' identity provider. Guarantees: over https, with the certificate
 * checked; to a public address, looked at on the very addresses that are connected to, and where the provider was declared
 * internal to a private one too, never to a cloud's metadata; redirects are answers like any other, and never followed; size
 * and time are bounded. What a client's secret or a refresh token is sent to is what the metadata of the configured issuer
 * names, and nothing that leads inwards.
 */
import type { LookupFunction } from 'node:net'
import type { CustomFetch } from 'openid-client'
import { issuerClient } from './issuer-client.ts'
import { complaintAboutUrl, type IsPublicAddress } from './issuer.ts'

export type ProviderFetchOptions = {
  /** Leaves only public addresses, and fails where a name has any other. */
  readonly lookup: LookupFunction
  readonly isPublicAddress: IsPublicAddress
  /** Of the names of one that was declared internal; what it finds is looked at. The system's, unless a test has another. */
  readonly resolve?: LookupFunction
  /** The provider may lie in a private network, or be plain HTTP on loopback. */
  readonly internal: boolean
  /** Milliseconds from the first look-up to the last byte. */
  readonly timeout?: number
  /** Of a body, in bytes. */
  readonly longest?: number
}

export function createProviderFetch(options: ProviderFetchOptions): CustomFetch {
  const { lookup, resolve, isPublicAddress, internal } = options
  const { timeout = 5_000, longest = 262_144 } = options

  return async (text, { method, headers, body }) => {
    const complaint = complaintAboutUrl(text, internal, isPublicAddress)
    if (complaint !== undefined) throw new Error(`it is not spoken to: ${complaint}`)
    const url = new URL(text)
    const client = issuerClient(url.origin, { lookup, resolve, internal, timeout })
    try {
      const answer = await client.request({
        method: method === 'POST' ? 'POST' : 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { ...headers, 'user-agent': 'valetkey' },
        body: body instanceof URLSearchParams ? body.toString() : null,
        // One bound for all of it: an answer that drips a byte now and then resets every other timeout.
        signal: AbortSignal.timeout(timeout),
      })
      const refuse = (why: string): never => {
        answer.body.on('error', () => undefined).destroy()
        throw new Error(why)
      }
      // None was asked for; a small one can unfold into a large one.
      if (answer.headers['content-encoding'] !== undefined) refuse('its answer is compressed')
      const pieces: Buffer[] = []
      let length = 0
      for await (const piece of answer.body as AsyncIterable<Buffer>) {
        length += piece.length
        if (length > longest) refuse(`its answer is longer than ${String(longest)} bytes`)
        pieces.push(piece)
      }
      const kept = new Headers()
      for (const name of ['content-type', 'www-authenticate']) {
        const value = answer.headers[name]
        if (typeof value === 'string') kept.set(name, value)
      }
      const { statusCode: status } = answer
      // Of the others none may have a body here, and none is an answer to what was asked.
      if (status < 200 || status === 204 || status === 205 || status === 304)
        throw new Error(`it answers with ${String(status)}`)
      return new Response(Buffer.concat(pieces), { status, headers: kept })
    } finally {
      client.destroy().catch(() => undefined)
    }
  }
}

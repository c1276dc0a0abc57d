/**
 * A connection to an issuer, or to an identity provider, for one question. Guarantees: the certificate is checked; the
 * address is looked at on the very ones that are connected to: a public one, and where the issuer was declared internal a
 * private one too, never a cloud's metadata or what is no machine's.
 */
import type { LookupFunction } from 'node:net'
import { Client } from 'undici'
import { internalLookup } from './inner-address.ts'

export type IssuerClientOptions = {
  /** Leaves only public addresses, and fails where a name has any other. */
  readonly lookup: LookupFunction
  /** Of names of declared internal issuers; what it finds is looked at. The system's, unless a test has another. */
  readonly resolve?: LookupFunction | undefined
  readonly internal: boolean
  /** Of the connecting, in milliseconds. */
  readonly timeout: number
}

/** To be destroyed after the question: nothing that came for one can then be taken for another's answer. */
export function issuerClient(origin: string, options: IssuerClientOptions): Client {
  const { lookup, resolve, internal, timeout } = options
  return new Client(origin, {
    allowH2: false,
    connect: {
      timeout,
      // Said here so that NODE_TLS_REJECT_UNAUTHORIZED=0 in somebody's shell does not unsay it.
      rejectUnauthorized: true,
      lookup: internal ? internalLookup(resolve) : lookup,
    },
    maxHeaderSize: 16_384,
  })
}

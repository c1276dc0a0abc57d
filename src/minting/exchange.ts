/**
 * The one way in which a kind reaches the network. Guarantees, against parameters that name somebody else, against a kind
 * that is led astray by an answer, and against a provider that drips: the secret goes to no origin but those that the
 * kind's parameters name, over https (or to where the credential itself goes, which was looked at when it was stored);
 * a redirect is an answer; the number of exchanges is bounded.
 */
import type { Exchange } from './kind.ts'

export type Send = (
  /** For whom: what configuration declared for one provider is not reached for another. */
  credential: { readonly provider: string; readonly origin: string },
  request: Parameters<Exchange>[0],
) => ReturnType<Exchange>

/** Of one minting. */
const mostExchanges = 12

/** A kind asked for what it may not have: a mistake in it, or an answer that was believed. */
export class ForbiddenExchange extends Error {
  override name = 'ForbiddenExchange'
}

export function exchangeWithin(
  credential: { readonly provider: string; readonly origin: string },
  allowed: readonly string[],
  send: Send,
): Exchange {
  const origins = new Set(allowed.filter((origin) => isPlain(origin, credential.origin)))
  let exchanges = 0
  return async (request) => {
    if (!origins.has(request.origin))
      throw new ForbiddenExchange('an origin that its parameters do not name')
    if (!request.target.startsWith('/')) throw new ForbiddenExchange('for what is no path')
    if (++exchanges > mostExchanges) throw new ForbiddenExchange('too often')
    return send(credential, request)
  }
}

function isPlain(origin: string, own: string): boolean {
  if (origin === own) return true
  return origin.startsWith('https://') && URL.canParse(origin) && new URL(origin).origin === origin
}

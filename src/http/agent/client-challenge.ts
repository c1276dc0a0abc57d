/** What a client that could not show who it is, is told of how to: `WWW-Authenticate` of a 401 at the OAuth endpoints. */
import { dpopAlgorithms } from '../../capability/dpop.ts'

const basic = 'Basic realm="valetkey"'

/**
 * RFC 6749 §5.2: of the scheme that was tried; `authorization` is the header as it was sent. A capability is no client's
 * key: whoever shows one is told so in its own scheme, and which would do. Whoever sent a key in the form, or nothing, is
 * told the one scheme that there is: no 401 is without (RFC 9110 §15.5.2).
 */
export function clientChallenge(authorization: string | undefined): string {
  const scheme = /^[a-z]+(?= |$)/i.exec(authorization ?? '')?.[0].toLowerCase()
  const error =
    'error="invalid_token", error_description="a client shows its key, not a capability"'
  switch (scheme) {
    case 'dpop':
      return `DPoP realm="valetkey", algs="${dpopAlgorithms.join(' ')}", ${error}, ${basic}`
    case 'bearer':
      return `Bearer realm="valetkey", ${error}, ${basic}`
    default:
      return basic
  }
}

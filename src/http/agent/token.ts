/** `POST /oauth/token`, by grant type. Each way in ends at `issue`: there is no second door to a signature. */
import { clientCredentials } from './client-credentials.ts'
import { OAuthError } from './client.ts'
import { createTokenExchange, tokenExchange } from './token-exchange.ts'
import type { TokenEndpoint, TokenRequest } from './token-request.ts'

export const grantTypes: readonly string[] = ['client_credentials', tokenExchange]

/** Answers, or rejects with an `OAuthError`. */
export function createTokenEndpoint(endpoint: TokenEndpoint) {
  const exchange = createTokenExchange(endpoint)
  return async (request: TokenRequest) => {
    const grantType = request.form['grant_type']
    if (grantType === 'client_credentials') return clientCredentials(endpoint, request)
    if (grantType === tokenExchange) return exchange(request)
    // I2: an agent that is known is refused on record.
    const agent = await endpoint.clients.authenticate(request.authorization, request.form)
    if (grantType === undefined)
      throw new OAuthError('invalid_request', 'grant_type is missing', { agent })
    throw new OAuthError(
      'unsupported_grant_type',
      `grant_type must be ${grantTypes.join(' or ')}`,
      { agent },
    )
  }
}

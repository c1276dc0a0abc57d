/** What others need to know of this authorization server: metadata (RFC 8414) and keys (RFC 7517). */
import Type from 'typebox'
import { detailsType } from '../../capability/claims.ts'
import { assertionAlgorithms } from '../../capability/client-assertion.ts'
import { dpopAlgorithms } from '../../capability/dpop.ts'
import { Problem } from '../../problem.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { tokenForms } from './authorization-details.ts'
import { OAuthProblem } from './oauth.ts'
import { grantTypes } from './token.ts'

export function metadataRoutes(app: App, deps: Deps): void {
  const any = Type.Object({}, { additionalProperties: true })
  const methods = ['private_key_jwt', 'client_secret_basic', 'client_secret_post']
  const metadata = {
    issuer: deps.publicUrl,
    token_endpoint: `${deps.publicUrl}/oauth/token`,
    jwks_uri: `${deps.publicUrl}/.well-known/jwks.json`,
    revocation_endpoint: `${deps.publicUrl}/oauth/revoke`,
    introspection_endpoint: `${deps.publicUrl}/oauth/introspect`,
    // RFC 8414 §2 asks for it; there is no authorization endpoint, hence no response type.
    response_types_supported: [],
    grant_types_supported: grantTypes,
    // None: for token exchange, where the subject token says who asks (RFC 8693 §2.1).
    token_endpoint_auth_methods_supported: [...methods, 'none'],
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    introspection_endpoint_auth_methods_supported: methods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    authorization_details_types_supported: [detailsType],
    // RFC 8414 §2 allows members of one's own: the values of `token` in authorization details of our type.
    valetkey_token_forms_supported: tokenForms,
    dpop_signing_alg_values_supported: dpopAlgorithms,
  }
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      schema: {
        operationId: 'metadata',
        summary: 'Authorization server metadata (RFC 8414)',
        response: { 200: any, default: OAuthProblem },
      },
    },
    () => {
      if (deps.keyring() === undefined) throw new Problem('sealed', 'the broker is sealed')
      return metadata
    },
  )
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'jwks',
        summary: 'The keys that capabilities are signed with (RFC 7517)',
        response: { 200: any, default: OAuthProblem },
      },
    },
    (_request, reply) => {
      const keyring = deps.keyring()
      if (keyring === undefined) throw new Problem('sealed', 'the broker is sealed')
      void reply.header('cache-control', 'public, max-age=60')
      return keyring.jwks(deps.now())
    },
  )
}

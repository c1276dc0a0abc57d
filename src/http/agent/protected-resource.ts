/**
 * What a client needs to know of the proxy as a protected resource (RFC 9728), so that one that was refused for want of
 * a capability finds by itself where to ask for one. It names nothing that is not the same for everybody.
 */
import Type from 'typebox'
import { detailsType } from '../../capability/claims.ts'
import { dpopAlgorithms } from '../../capability/dpop.ts'
import type { Deps } from '../deps.ts'
import type { App } from '../realm.ts'
import { resourceMetadataPath } from '../resource-metadata.ts'
import { OAuthProblem } from './oauth.ts'

export function protectedResourceRoutes(app: App, deps: Deps): void {
  const metadata = {
    resource: deps.publicUrl,
    authorization_servers: [deps.publicUrl],
    jwks_uri: `${deps.publicUrl}/.well-known/jwks.json`,
    bearer_methods_supported: ['header'],
    authorization_details_types_supported: [detailsType],
    dpop_signing_alg_values_supported: dpopAlgorithms,
    resource_name: 'Valetkey',
  }
  app.get(
    resourceMetadataPath,
    {
      schema: {
        operationId: 'protectedResourceMetadata',
        summary: 'Protected resource metadata (RFC 9728)',
        response: { 200: Type.Object({}, { additionalProperties: true }), default: OAuthProblem },
      },
    },
    () => metadata,
  )
}

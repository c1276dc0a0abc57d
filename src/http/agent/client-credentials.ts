/** Client credentials (RFC 6749 §4.4): an agent, with a key of its own. */
import { issue } from './issue.ts'
import type { TokenEndpoint, TokenRequest } from './token-request.ts'

export async function clientCredentials(
  { deps, clients, grantsOf }: TokenEndpoint,
  { form, authorization, correlationId, proof }: TokenRequest,
) {
  const client = await clients.authenticate(authorization, form)
  return issue(deps, { client, form, grants: await grantsOf(client.id), correlationId, proof })
}

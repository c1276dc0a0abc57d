/**
 * Token exchange (RFC 8693): a CI job or a workload shows a token that its own platform signed, and acts as the agent
 * that a trust rule names; or a capability of ours is exchanged for a narrower one. Of a platform's token there is no
 * client authentication (§2.1): the subject token proves who asks, and workload.ts says how.
 */
import { createCapabilityExchange } from './capability-exchange.ts'
import { OAuthError } from './client.ts'
import { issue } from './issue.ts'
import {
  accessToken,
  foreignTypes,
  type TokenEndpoint,
  type TokenRequest,
} from './token-request.ts'
import { createWorkloadReader } from './workload.ts'

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

export function createTokenExchange(endpoint: TokenEndpoint) {
  const { deps, grantsOf } = endpoint
  const workloads = createWorkloadReader(endpoint)
  const exchangeCapability = createCapabilityExchange(endpoint, workloads)

  return async function exchange(request: TokenRequest) {
    const { form, authorization, correlationId, proof } = request
    const subjectToken = readRequest(form)
    if (form['subject_token_type'] === accessToken) return exchangeCapability(request, subjectToken)
    refuseKeys(form, authorization)
    const { client, longest, endsBy, spend } = await workloads.identify(subjectToken, {
      parameter: 'subject_token',
      clientId: form['client_id'],
    })
    const issued = await issue(deps, {
      client,
      form,
      grants: await grantsOf(client.id),
      correlationId,
      proof,
      longest,
      endsBy,
      spend,
    })
    return { ...issued, issued_token_type: accessToken }
  }
}

/** The subject token of a request that has the form of one; throws where it means something else, or two things. */
function readRequest(form: Record<string, string>): string {
  const requested = form['requested_token_type']
  if (requested !== undefined && requested !== accessToken)
    throw wrong(`requested_token_type must be ${accessToken}, or left out`)
  const type = form['subject_token_type']
  if (type !== accessToken && !foreignTypes.includes(type))
    throw wrong(`subject_token_type must be ${[...foreignTypes, accessToken].join(' or ')}`)
  if (
    type !== accessToken &&
    (form['actor_token'] !== undefined || form['actor_token_type'] !== undefined)
  )
    throw wrong(
      'actor_token goes with a subject_token that is a capability of this broker’s: another acts for its holder',
    )
  const subjectToken = form['subject_token']
  if (subjectToken === undefined) throw wrong('subject_token is missing')
  return subjectToken
}

function refuseKeys(form: Record<string, string>, authorization: string | undefined): void {
  if (
    authorization !== undefined ||
    form['client_secret'] !== undefined ||
    form['client_assertion'] !== undefined
  )
    throw wrong('the subject token says who asks: send no key of an agent’s with it')
}

function wrong(detail: string): OAuthError {
  return new OAuthError('invalid_request', detail)
}

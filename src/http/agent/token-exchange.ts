/**
 * Token exchange (RFC 8693): a CI job or a workload shows a token that its own platform signed, and acts as the agent
 * that a trust rule names. No client authentication (§2.1): the subject token proves who asks. Against tokens of others:
 * issuer, audience, signature and time are the verifier's to check, what the rule asks for is checked here, and whoever
 * is refused is told the same whatever it was, because which rules there are is nobody's business. Against a token that
 * leaked: it can be exchanged so often only, and what comes of it ends no later than it.
 */
import { LRUCache } from 'lru-cache'
import { clip } from '../../audit/entry.ts'
import { claimsLookedAt, ruleHolds } from '../../core/trust-rule.ts'
import type { TrustRule } from '../../directory/trust.ts'
import { accessToken, createCapabilityExchange } from './capability-exchange.ts'
import { OAuthError, type Client } from './client.ts'
import { issue } from './issue.ts'
import type { TokenEndpoint, TokenRequest } from './token-request.ts'

export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'

const subjectTypes: readonly (string | undefined)[] = [
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
]

type Claims = Readonly<Record<string, unknown>>

export function createTokenExchange(endpoint: TokenEndpoint) {
  const { deps, trust, grantsOf, noise } = endpoint
  const exchangeCapability = createCapabilityExchange(endpoint)
  // How often a token was exchanged, as far as this process knows: the store is asked about the rest.
  const exchanged = new LRUCache<string, number>({ max: 10_000 })
  const spentOnRecord = new LRUCache<string, true>({ max: 10_000 })

  return async function exchange(request: TokenRequest) {
    const { form, authorization, correlationId, proof } = request
    const subjectToken = readRequest(form)
    if (form['subject_token_type'] === accessToken) return exchangeCapability(request, subjectToken)
    refuseKeys(form, authorization)
    const known = await trust.book()
    const verified = await deps.foreignTokens.verify(subjectToken, {
      issuers(iss) {
        const found = known.issuers.get(iss)
        if (found === undefined) return undefined
        const { issuer, jwksUri, internal } = found
        return { issuer, internal, ...(jwksUri === null ? {} : { jwksUri }) }
      },
      audiences: [
        deps.publicUrl,
        ...[...known.rules.values()].flat().flatMap(({ audience }) => audience ?? []),
      ],
    })
    if (!verified.ok) {
      noise(`subject_token ${verified.reason}`, verified.detail)
      throw verified.reason === 'unavailable' ? unavailable() : refused(deps.publicUrl)
    }
    const { claims, digest } = verified
    const issuer = verified.issuer.issuer
    const subject = String(claims['sub'])
    // Asked anew: keys may have been waited for, and a rule that was disabled meanwhile holds no more.
    if (!(await deps.feed.confirm())) throw unavailable()
    const book = await trust.book()
    const trusted = book.issuers.get(issuer)
    const rules = trusted === undefined ? [] : (book.rules.get(trusted.id) ?? [])
    const held = rules.filter(
      (rule) =>
        (form['client_id'] === undefined || form['client_id'] === rule.agentId) &&
        trusted !== undefined &&
        ruleHolds(trusted.platform, rule, claims, deps.publicUrl),
    )
    // Where several say the same of one agent, the one that lets it be shown most often; then the oldest.
    const [rule] = held.toSorted((a, b) => b.exchangesPerToken - a.exchangesPerToken)
    if (rule === undefined) {
      noise('subject_token no_rule', `${issuer} ${subject}`)
      throw refused(deps.publicUrl)
    }
    const client: Client = {
      id: rule.agentId,
      name: book.agents.get(rule.agentId) ?? rule.agentId,
      workload: {
        issuer: clip(issuer),
        subject: clip(subject),
        rule: rule.id,
        claims: recorded(rule, claims),
      },
    }
    const agents = [...new Set(held.map(({ agentId }) => agentId))]
    if (agents.length > 1) {
      throw new OAuthError(
        'invalid_request',
        `this token may act as several agents: name one as client_id: ${agents.slice(0, 10).join(', ')}`,
        { agent: client },
      )
    }
    const { jti, exp } = claims
    const expiresAt = Number(exp) * 1000
    const shown = JSON.stringify([
      issuer,
      typeof jti === 'string' ? ['jti', jti] : ['sha256', digest],
    ])
    const issued = await issue(deps, {
      client,
      form,
      grants: await grantsOf(client.id),
      correlationId,
      proof,
      // Its issuer has said until then who this is, and not longer.
      longest: Math.min(
        rule.maxLifetimeSeconds ?? Number.POSITIVE_INFINITY,
        Math.floor((expiresAt - deps.now()) / 1000),
      ),
      spend: () => spend(shown, rule, client, expiresAt),
    })
    return { ...issued, issued_token_type: accessToken }
  }

  /** One use of a token is one entry in the store, by its number: whoever is first has it, on whatever replica. */
  async function spend(
    shown: string,
    rule: TrustRule,
    client: Client,
    expiresAt: number,
  ): Promise<void> {
    for (let use = exchanged.get(shown) ?? 0; use < rule.exchangesPerToken; use++) {
      const first = await useOnce(shown, use, expiresAt)
      exchanged.set(shown, Math.max(exchanged.get(shown) ?? 0, use + 1))
      if (first) return
    }
    // On record with its name once; however often it is shown after that, it cannot fill the log.
    const again = spentOnRecord.get(shown) === true
    spentOnRecord.set(shown, true)
    if (again) noise('subject_token spent')
    throw new OAuthError(
      'invalid_request',
      'this subject token was exchanged as often as it may be; get a new one from its issuer',
      again ? {} : { agent: client },
    )
  }

  async function useOnce(shown: string, use: number, expiresAt: number): Promise<boolean> {
    try {
      return await deps.replay.use('subject_token', shown, String(use), expiresAt)
    } catch {
      throw unavailable()
    }
  }
}

/** The subject token of a request that has the form of one; throws where it means something else, or two things. */
function readRequest(form: Record<string, string>): string {
  if (form['actor_token'] !== undefined || form['actor_token_type'] !== undefined)
    throw wrong(
      'actor_token is not supported: whoever acts for another shows its key, as the client',
    )
  const requested = form['requested_token_type']
  if (requested !== undefined && requested !== accessToken)
    throw wrong(`requested_token_type must be ${accessToken}, or left out`)
  const type = form['subject_token_type']
  if (type !== accessToken && !subjectTypes.includes(type))
    throw wrong(`subject_token_type must be ${[...subjectTypes, accessToken].join(' or ')}`)
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

/** RFC 8693 §2.2.2: a token that is unacceptable, for whatever reason. */
function refused(publicUrl: string): OAuthError {
  return new OAuthError(
    'invalid_request',
    `the subject token is not accepted: it must be one that has not expired, for the audience ${publicUrl} alone, of an issuer and with claims that an admin of this broker trusts; its audit log says more`,
  )
}

function unavailable(): OAuthError {
  return new OAuthError('temporarily_unavailable', 'the subject token cannot be checked at present')
}

function recorded(
  rule: TrustRule,
  claims: Claims,
): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    Object.entries(claimsLookedAt(rule.conditions, claims)).map(([name, value]) => [
      name,
      typeof value === 'string' ? clip(value) : value,
    ]),
  )
}

/**
 * Which agent a CI job or a workload is, by a token that its own platform signed: the one that a trust rule names. Against
 * tokens of others: issuer, audience, signature and time are the verifier's to check, what the rule asks for is checked
 * here, and whoever is refused is told the same whatever it was, because which rules there are is nobody's business.
 * Against a token that leaked: it can be shown so often only, whatever for, and what comes of it ends no later than it.
 */
import { LRUCache } from 'lru-cache'
import { clip } from '../../audit/entry.ts'
import { claimsLookedAt, ruleHolds } from '../../core/trust-rule.ts'
import type { TrustRule } from '../../directory/trust.ts'
import { OAuthError, type Client } from './client.ts'
import type { TokenEndpoint } from './token-request.ts'

type Claims = Readonly<Record<string, unknown>>
type Parameter = 'subject_token' | 'actor_token'

export type Workload = {
  readonly client: Client
  readonly rule: TrustRule
  /** Seconds that what comes of its token may live at the most; undefined where its rule does not say. */
  readonly longest: number | undefined
  /** Seconds since the epoch: its issuer has said until then who this is, and not longer. */
  readonly endsBy: number
  /** Uses its token up by one. Throws an `OAuthError` where it was shown as often as it may be. */
  readonly spend: () => Promise<void>
}

export type WorkloadReader = {
  /** Throws an `OAuthError` where nobody is known by it. `clientId` chooses, where it may be several agents. */
  identify(
    token: string,
    shown: { readonly parameter: Parameter; readonly clientId: string | undefined },
  ): Promise<Workload>
}

export function createWorkloadReader({ deps, trust, noise }: TokenEndpoint): WorkloadReader {
  // How often a token was exchanged, as far as this process knows: the store is asked about the rest.
  const exchanged = new LRUCache<string, number>({ max: 10_000 })
  const spentOnRecord = new LRUCache<string, true>({ max: 10_000 })

  async function identify(
    token: string,
    { parameter, clientId }: { parameter: Parameter; clientId: string | undefined },
  ): Promise<Workload> {
    const known = await trust.book()
    const verified = await deps.foreignTokens.verify(token, {
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
      noise(`${parameter} ${verified.reason}`, verified.detail)
      throw verified.reason === 'unavailable'
        ? unavailable(parameter)
        : refused(deps.publicUrl, parameter)
    }
    const { claims, digest } = verified
    const issuer = verified.issuer.issuer
    const subject = String(claims['sub'])
    // Asked anew: keys may have been waited for, and a rule that was disabled meanwhile holds no more.
    if (!(await deps.feed.confirm())) throw unavailable(parameter)
    const book = await trust.book()
    const named = book.issuers.get(issuer)
    // One that was revoked meanwhile and trusted anew may have other keys: those that were waited for were the old one's.
    const trusted = named?.id === known.issuers.get(issuer)?.id ? named : undefined
    const rules = trusted === undefined ? [] : (book.rules.get(trusted.id) ?? [])
    const held = rules.filter(
      (rule) =>
        (clientId === undefined || clientId === rule.agentId) &&
        trusted !== undefined &&
        ruleHolds(trusted.platform, rule, claims, deps.publicUrl),
    )
    // Where several say the same of one agent, the one that lets it be shown most often; then the oldest.
    const [rule] = held.toSorted((a, b) => b.exchangesPerToken - a.exchangesPerToken)
    if (rule === undefined) {
      noise(`${parameter} no_rule`, `${issuer} ${subject}`)
      throw refused(deps.publicUrl, parameter)
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
    return {
      client,
      rule,
      longest: rule.maxLifetimeSeconds ?? undefined,
      endsBy: Math.floor(Number(exp)),
      spend: () => spend(shown, { rule, client, expiresAt, parameter }),
    }
  }

  /** One use of a token is one entry in the store, by its number: whoever is first has it, on whatever replica. */
  async function spend(
    shown: string,
    of: {
      readonly rule: TrustRule
      readonly client: Client
      readonly expiresAt: number
      readonly parameter: Parameter
    },
  ): Promise<void> {
    const { rule, client, expiresAt, parameter } = of
    for (let use = exchanged.get(shown) ?? 0; use < rule.exchangesPerToken; use++) {
      const first = await useOnce(shown, use, expiresAt, parameter)
      exchanged.set(shown, Math.max(exchanged.get(shown) ?? 0, use + 1))
      if (first) return
    }
    // On record with its name once; however often it is shown after that, it cannot fill the log.
    const again = spentOnRecord.get(shown) === true
    spentOnRecord.set(shown, true)
    if (again) noise(`${parameter} spent`)
    throw new OAuthError(
      'invalid_request',
      `this ${spoken(parameter)} was exchanged as often as it may be; get a new one from its issuer`,
      again ? {} : { agent: client },
    )
  }

  async function useOnce(
    shown: string,
    use: number,
    expiresAt: number,
    parameter: Parameter,
  ): Promise<boolean> {
    try {
      // One kind, whatever it is shown for: what was exchanged as the one is not good as the other.
      return await deps.replay.use('subject_token', shown, String(use), expiresAt)
    } catch {
      throw unavailable(parameter)
    }
  }

  return { identify }
}

function spoken(parameter: Parameter): string {
  return parameter === 'subject_token' ? 'subject token' : 'actor token'
}

/** RFC 8693 §2.2.2: a token that is unacceptable, for whatever reason. */
function refused(publicUrl: string, parameter: Parameter): OAuthError {
  return new OAuthError(
    'invalid_request',
    `the ${spoken(parameter)} is not accepted: it must be one that has not expired, for the audience ${publicUrl} alone, of an issuer and with claims that an admin of this broker trusts; its audit log says more`,
  )
}

function unavailable(parameter: Parameter): OAuthError {
  return new OAuthError(
    'temporarily_unavailable',
    `the ${spoken(parameter)} cannot be checked at present`,
  )
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

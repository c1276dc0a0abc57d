/**
 * Trust rules: who, by a token of another issuer's, may act as which agent. Pure: what makes a rule one that can be
 * kept, and whether a token meets it. The conditions of a rule are met all together, or not at all.
 */
import { claimAt, claimHolds, claimPath, conditionFault, namesExactly } from './claim-condition.ts'
import type { ClaimCondition, Scalar } from './claim-condition.ts'

/** What kind of issuer it is: those on which anybody may have an account are held to more. */
export const platforms = ['github', 'gitlab', 'kubernetes', 'other'] as const
export type Platform = (typeof platforms)[number]

export const githubIssuer = 'https://token.actions.githubusercontent.com'

/** What an issuer's URL says of its platform by itself; undefined where nobody but an admin can know. */
export function platformOf(issuer: string): Platform | undefined {
  const url = URL.parse(issuer)
  if (url === null) return undefined
  const { hostname, pathname } = url
  // GitHub's own, with an enterprise's name behind it, on its own subdomains, and on an enterprise's server.
  if (hostname === 'token.actions.githubusercontent.com') return 'github'
  if (hostname.startsWith('token.actions.') && hostname.endsWith('.ghe.com')) return 'github'
  if (/^\/_services\/token(\/|$)/.test(pathname)) return 'github'
  if (hostname === 'gitlab.com') return 'gitlab'
  return undefined
}

/** Claims of which a rule must name one exactly, because every other can be somebody else's tomorrow. */
const immutableClaims: Readonly<Record<Platform, readonly string[]>> = {
  github: ['repository_id', 'repository_owner_id'],
  gitlab: ['project_id', 'namespace_id'],
  kubernetes: ['sub', '/kubernetes.io/namespace'],
  other: [],
}

const why: Readonly<Record<Platform, string>> = {
  github:
    'names of owners and repositories can be given up and registered by somebody else, and sub is made of names',
  gitlab:
    'paths of namespaces and projects can be renamed and registered by somebody else, and sub is made of paths',
  kubernetes:
    'every pod of the cluster has a token of this issuer, and what else it says is not about who may act',
  other: '',
}

/** Audiences that tokens are commonly minted for: who gets one for elsewhere could show it here (hazards: shared audience). */
const sharedAudiences: readonly RegExp[] = [
  /^sts\.amazonaws\.com$/i,
  /^api:\/\/AzureADTokenExchange/i,
  /^https:\/\/github\.com(\/|$)/i,
  /^https:\/\/gitlab\.com\/?$/i,
  /^https:\/\/kubernetes\.default(\.svc(\.cluster\.local)?)?\/?$/i,
  /^(https:)?\/\/iam\.googleapis\.com\//i,
  /^(sigstore|vault|pypi|npm|rubygems\.org|crates\.io)$/i,
  /^npm:registry\.npmjs\.org$/i,
]

export const mostConditions = 20
/** How often one subject token may be exchanged, at most. */
export const mostExchanges = 20

export type TrustRuleTerms = {
  readonly conditions: readonly ClaimCondition[]
  /** Null for this broker's own URL. */
  readonly audience: string | null
}

/** What is wrong with a rule: a JSON Pointer into it and a sentence; undefined where it can be kept. */
export function ruleFault(
  platform: Platform,
  { conditions, audience }: TrustRuleTerms,
): { readonly pointer: string; readonly detail: string } | undefined {
  if (audience !== null && sharedAudiences.some((shared) => shared.test(audience))) {
    return {
      pointer: '/audience',
      detail: `tokens are minted for "${audience}" to be shown elsewhere, and whoever they are shown to could show them here: use an audience of this broker's own`,
    }
  }
  if (conditions.length === 0) {
    return {
      pointer: '/conditions',
      detail: 'a rule needs a condition, or everybody to whom the issuer gives a token meets it',
    }
  }
  for (const [at, condition] of conditions.entries()) {
    const fault = conditionFault(condition)
    if (fault !== undefined) return { pointer: `/conditions/${String(at)}`, detail: fault }
  }
  const immutable = immutableClaims[platform]
  if (immutable.length > 0 && !conditions.some((each) => isImmutable(immutable, each))) {
    const named = immutable.join(' or ')
    return {
      pointer: '/conditions',
      detail: `a rule for this issuer must name ${named}, by equals or oneOf: ${why[platform]}`,
    }
  }
  return undefined
}

function isImmutable(immutable: readonly string[], condition: ClaimCondition): boolean {
  if (!namesExactly(condition)) return false
  const path = claimPath(condition.claim)?.join('\n')
  return immutable.some((claim) => claimPath(claim)?.join('\n') === path)
}

/** Whether a token that was verified meets a rule: for its audience and no other, and by each of its conditions. */
export function ruleHolds(
  platform: Platform,
  rule: TrustRuleTerms,
  claims: Readonly<Record<string, unknown>>,
  publicUrl: string,
): boolean {
  // Asked again: a rule that could not be made today may be there from before.
  if (ruleFault(platform, rule) !== undefined) return false
  const { aud } = claims
  // RFC 7519 §4.1.3: of one, a text or an array. A token for several may be shown here by any of the others.
  const [audience, second] = Array.isArray(aud) ? (aud as readonly unknown[]) : [aud]
  if (second !== undefined || audience !== (rule.audience ?? publicUrl)) return false
  return rule.conditions.every((condition) => claimHolds(condition, claims))
}

/** The claims that a rule looked at, by the names that it gives them. For claims that meet it. */
export function claimsLookedAt(
  conditions: readonly ClaimCondition[],
  claims: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Scalar>> {
  const seen: [string, Scalar][] = []
  for (const { claim } of conditions) {
    const value = claimAt(claims, claim)
    if (value !== undefined) seen.push([claim, value])
  }
  return Object.fromEntries(seen)
}

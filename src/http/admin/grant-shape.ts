/** How grants are spelled over REST, and what is wrong with one before it is stored. */
import Type, { type Static } from 'typebox'
import { longestLifetime, mostVerbs } from '../../capability/claims.ts'
import { testsSomething } from '../../core/condition.ts'
import { parseVerb } from '../../core/grant.ts'
import type { Grant } from '../../directory/grant.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import type { Deps } from '../deps.ts'
import { closed, id, ProviderName, State, Timestamp, Verb } from '../schemas.ts'
import { GrantTerms, termsView } from './approval-terms.ts'

const Scalar = Type.Union([
  Type.String({ maxLength: 1000 }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
])
const ConstraintShape = closed({
  path: Type.String({
    pattern: '^[A-Za-z0-9_-]+(\\.([A-Za-z0-9_-]+|\\*))*$',
    maxLength: 200,
    description: 'Into the arguments: input.environmentId, body.rules.*.port; * is every member.',
  }),
  operations: Type.Optional(
    Type.Array(Type.String({ maxLength: 200 }), { minItems: 1, maxItems: 50 }),
  ),
  equals: Type.Optional(Scalar),
  oneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  noneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  max: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
})
export const Verbs = Type.Array(Verb, {
  minItems: 1,
  maxItems: mostVerbs,
  uniqueItems: true,
  description: 'Operations, operation+effect, effect sets, or prefix*. [read] by default.',
})
export const Approval = Type.Union([
  Type.Literal('never'),
  Type.Literal('destructive'),
  Type.Literal('always'),
])
export const Constraints = Type.Array(ConstraintShape, { maxItems: 50 })
export const MaxLifetime = Type.Integer({
  minimum: 1,
  maximum: longestLifetime,
  description: 'Seconds a capability may live.',
})
export const Rate = Type.Union([Type.Integer({ minimum: 1, maximum: 1_000_000 }), Type.Null()], {
  description: 'Requests in a minute, on each replica; null for no limit.',
})
export const ExpiresAt = Type.Union([Timestamp, Type.Null()])
export const Minted = Type.Union(
  [Type.Literal('redact'), Type.Literal('seal'), Type.Literal('reveal')],
  {
    description:
      'What becomes of a credential that the provider mints in an answer: redacted, sealed in the vault (and redacted), or shown to the agent.',
  },
)
export const RequireDpop = Type.Boolean({
  description:
    'Only capabilities that are bound to a key (DPoP, RFC 9449) are issued, and accepted, those issued before included.',
})
export const HandOut = Type.Boolean({
  description:
    'Whether a native short-lived credential is handed out under it: it gets around verbs, arguments, approvals and redaction, so that only some grants can be.',
})

export const GrantView = closed({
  id: id('grant'),
  agent: id('agent'),
  environment: id('environment'),
  credential: id('credential'),
  provider: ProviderName,
  verbs: Type.Array(Verb),
  constraints: Constraints,
  approval: Approval,
  approval_terms: GrantTerms,
  max_lifetime_seconds: MaxLifetime,
  requests_per_minute: Rate,
  minted: Minted,
  require_dpop: RequireDpop,
  hand_out: HandOut,
  catalogue_version: Type.String({ description: 'The catalogue it was reviewed against.' }),
  catalogue_current: Type.Boolean({
    description:
      'Whether that is the present one. What came or changed since is covered by a verb that names it, and by no other, until the grant is reviewed.',
  }),
  expires_at: ExpiresAt,
  state: State,
  created_by: id('operator'),
  created_at: Timestamp,
})

export function grantView(deps: Pick<Deps, 'providers'>, grant: Grant) {
  return {
    id: grant.id,
    agent: grant.agentId,
    environment: grant.environmentId,
    credential: grant.credentialId,
    provider: grant.provider,
    verbs: [...grant.verbs],
    constraints: grant.constraints as Static<typeof Constraints>,
    approval: grant.approval,
    approval_terms: termsView(grant.approvalTerms),
    max_lifetime_seconds: grant.maxLifetimeSeconds,
    requests_per_minute: grant.requestsPerMinute,
    minted: grant.minted,
    require_dpop: grant.requireDpop,
    hand_out: grant.handOut,
    catalogue_version: grant.catalogueVersion,
    catalogue_current:
      deps.providers.get(grant.provider)?.catalogueVersion === grant.catalogueVersion,
    expires_at: grant.expiresAt?.toISOString() ?? null,
    state: grant.state,
    created_by: grant.createdBy,
    created_at: grant.createdAt.toISOString(),
  }
}

export function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

/** A verb that names nothing would be refused for ever without a word; the admin is told now. */
export function checkVerbs(adapter: ProviderAdapter, verbs: readonly string[]): void {
  for (const [i, verb] of verbs.entries()) {
    const pointer = `/verbs/${String(i)}`
    const parsed = parseVerb(verb)
    if ('error' in parsed) throw refuse(pointer, parsed.error)
    if (parsed.kind !== 'operation') continue
    const name = parsed.root === undefined ? parsed.name : `${parsed.root}:${parsed.name}`
    const found = adapter.find(name)
    if (found === 'ambiguous')
      throw refuse(
        pointer,
        `"${name}" is both a query and a mutation: write query:${name} or mutation:${name}`,
      )
    if (found === undefined) throw refuse(pointer, `${adapter.name} has no operation "${name}"`)
    if (found.denied === true)
      throw refuse(pointer, `"${name}" has not been reviewed, and is denied to everyone`)
  }
}

export function checkConstraints(constraints: Static<typeof Constraints>): void {
  for (const [i, constraint] of constraints.entries()) {
    if (!testsSomething(constraint)) {
      throw refuse(
        `/constraints/${String(i)}`,
        'it tests nothing: give equals, oneOf, noneOf, max or min',
      )
    }
  }
}

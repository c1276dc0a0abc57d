import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  actorRulesOf,
  actorsOf,
  chainClaims,
  lineageOf,
  mayActOf,
  verbsOf,
} from '../../src/capability/attenuate.ts'
import {
  isCapabilityClaims,
  longestLifetime,
  mostActors,
  mostAncestors,
  type CapabilityClaims,
} from '../../src/capability/claims.ts'
import { issueCapability, narrow } from '../../src/capability/issue.ts'
import { createCapabilityVerifier } from '../../src/capability/verify.ts'
import { decide, type Facts } from '../../src/core/decide.ts'
import { verbCovers, type Constraint, type FindOperation } from '../../src/core/grant.ts'
import { effects, type Effect, type Invocation } from '../../src/core/operation.ts'
import { nothingUnreviewed } from '../../src/core/reviewed.ts'
import { newId, type AgentId, type EnvironmentId, type GrantId } from '../../src/ids.ts'
import { testKeyring } from './keyring.ts'

const publicUrl = 'http://localhost:8474'
const agents = Array.from({ length: 6 }, () => newId('agent'))
const [holder] = agents as [AgentId]
const grantId = newId('grant')
const environments = [newId('environment'), newId('environment')] as const

const catalogue: Readonly<
  Record<string, { readonly effects: readonly Effect[]; readonly root?: 'query' | 'mutation' }>
> = {
  volumeCreate: { effects: ['write'], root: 'mutation' },
  volumeDelete: { effects: ['write', 'destructive'], root: 'mutation' },
  volumes: { effects: ['read'], root: 'query' },
  variables: { effects: ['read', 'secret'], root: 'query' },
  environmentRename: { effects: ['write'], root: 'mutation' },
  'query:member': { effects: ['read'], root: 'query' },
  'mutation:member': { effects: ['write', 'admin'], root: 'mutation' },
}
const find: FindOperation = (name) => {
  const found = catalogue[name]
  if (found !== undefined) return { operation: name, ...found }
  return name === 'member' ? 'ambiguous' : undefined
}

const someEffects = fc.subarray([...effects], { minLength: 1 })
const verb = fc.oneof(
  fc.constantFrom(...Object.keys(catalogue), 'member'),
  fc
    .tuple(fc.constantFrom(...Object.keys(catalogue)), someEffects)
    .map(([name, added]) => [name, ...added].join('+')),
  someEffects.map((set) => set.join('+')),
  fc.constantFrom('volume*', 'vol*', 'v*', 'environment*', 'e*', 'm*', 'nothing', 'query:volumes'),
)
const verbs = fc.array(verb, { minLength: 1, maxLength: 5 })

const invocation: fc.Arbitrary<Invocation> = fc
  .tuple(fc.constantFrom(...Object.entries(catalogue)), fc.subarray([...effects]), fc.nat(3))
  .map(([[operation, { effects: base, root }], added, size]) => ({
    operation,
    ...(root === undefined ? {} : { root }),
    effects: base,
    added,
    scope: 'environment',
    arguments: { size },
    resources: [],
    widens: [],
  }))

const constraints: fc.Arbitrary<readonly Constraint[]> = fc.array(
  fc.nat(3).map((max): Constraint => ({ path: 'size', max })),
  { maxLength: 1 },
)

const actorRules = [newId('trustRule'), newId('trustRule')]
const shownIds = [newId('capability'), newId('capability'), newId('capability')]

/** What somebody tries: seconds pass, the grant is changed, and an exchange is asked for. */
const step = fc.record({
  by: fc.constantFrom(...agents, undefined),
  jkt: fc.constantFrom(...Array<string>(6).fill('A'.repeat(43)), 'B'.repeat(43), undefined),
  asked: fc.option(verbs, { nil: undefined }),
  /** Some of what the parent has, and not what is drawn. */
  askedFromParent: fc.constantFrom(true, true, true, false),
  lifetime: fc.option(fc.integer({ min: 1, max: longestLifetime }), { nil: undefined, freq: 2 }),
  mayAct: fc.array(fc.constantFrom(...agents), { maxLength: 3 }),
  /** As the one before says, which is what a well-behaved client asks for. */
  follows: fc.constantFrom(true, true, false),
  passed: fc.integer({ min: 0, max: 60_000 }),
  granted: fc.option(verbs, { nil: undefined, freq: 1 }),
  /** What is shown in place of a key, where one is not. */
  actor: fc.option(
    fc.record({
      rule: fc.constantFrom(undefined, ...actorRules),
      capability: fc.option(
        fc.record({
          ids: fc.array(fc.constantFrom(...shownIds), { minLength: 1, maxLength: 2 }),
          jkt: fc.constantFrom('A'.repeat(43), undefined),
        }),
        { nil: undefined },
      ),
    }),
    { nil: undefined, freq: 2 },
  ),
})

function factsFor(
  claims: CapabilityClaims,
  now: number,
  request: Invocation,
  grant: { readonly verbs: readonly string[]; readonly constraints: readonly Constraint[] },
  environment: EnvironmentId,
  place: string,
): Facts {
  const [details] = claims.authorization_details
  assert.ok(details)
  return {
    now,
    provider: 'railway',
    capability: {
      grantId: claims.grant as GrantId,
      environmentId: details.environment as EnvironmentId,
      provider: details.provider,
      verbs: details.verbs,
      expiresAt: claims.exp * 1000,
    },
    grant: {
      id: grantId,
      state: 'active',
      environmentId: environment,
      provider: 'railway',
      verbs: grant.verbs,
      constraints: grant.constraints,
      approval: 'destructive',
      unreviewed: nothingUnreviewed,
    },
    environment: {
      id: environment,
      name: 'pocketos/staging',
      protected: false,
      places: new Map([['railway', new Set(['environment:a'])]]),
    },
    frozen: undefined,
    operations: [{ invocation: request, located: { places: [place], unresolved: [] } }],
  }
}

test('no descendant may do, or has a second, more than any that it came of', async () => {
  const keyring = await testKeyring()
  const ruleId = newId('trustRule')
  let allowed = 0
  let deepest = 0
  let byRule = 0
  await fc.assert(
    fc.asyncProperty(
      verbs,
      constraints,
      fc.record({ may: fc.nat(3), workload: fc.boolean() }),
      fc.array(step, { minLength: 3, maxLength: 14 }),
      fc.array(invocation, { minLength: 4, maxLength: 12 }),
      async (first, limits, { may, workload }, steps, requests) => {
        let now = 1_800_000_000_000
        let granted: readonly string[] = first
        const start = {
          agentId: holder,
          grantId,
          provider: 'railway',
          environmentId: environments[0],
          binding: 1,
          ruleId: workload ? ruleId : undefined,
          verbs: granted,
          lifetime: longestLifetime,
          lineage: chainClaims([], agents.slice(1, 1 + may)),
          now,
        }
        const chain = [(await issueCapability(keyring, publicUrl, start)).claims]
        for (const one of steps) {
          now += one.passed
          granted = one.granted ?? granted
          const parent = chain.at(-1)
          assert.ok(parent)
          const [details] = parent.authorization_details
          const named = mayActOf(parent)
          const by = one.follows ? (named[0] ?? (parent.client_id as AgentId)) : one.by
          const mayAct = one.follows ? named.slice(1) : one.mayAct
          const actor = by === undefined ? undefined : one.actor
          const lineage = lineageOf(parent, { clientId: by, jkt: one.jkt, actor }, mayAct)
          if (!lineage.ok) continue
          const asked = one.askedFromParent ? details?.verbs.slice(0, 3) : one.asked
          const narrowed = verbsOf(asked, parent, granted, find)
          const lifetime = Math.min(
            one.lifetime ?? longestLifetime,
            parent.exp - Math.floor(now / 1000),
          )
          if (!narrowed.ok || lifetime < 1) continue
          const { claims, token } = await issueCapability(keyring, publicUrl, {
            ...start,
            agentId: lineage.sub,
            clientId: lineage.clientId,
            verbs: narrowed.verbs,
            lifetime,
            lineage: {
              ...chainClaims(lineage.actors, lineage.mayAct, lineage.rules),
              ancestors: [...lineage.ancestors],
            },
            confirmation: one.jkt === undefined ? undefined : { jkt: one.jkt },
            now,
          })
          const verifier = (isRevoked: (id: string) => boolean) =>
            createCapabilityVerifier({ keyring: () => keyring, publicUrl, isRevoked })
          assert.ok((await verifier(() => false).verify(token, now)).ok)
          const shown = actor?.capability?.ids ?? []
          for (const taken of [
            ...chain.flatMap(({ jti, ancestors = [] }) => [jti, ...ancestors]),
            ...shown,
          ]) {
            const after = await verifier((id) => id === taken).verify(token, now)
            assert.equal(after.ok, false, 'each ancestor takes it along, and all that was shown')
          }
          if (actor?.rule !== undefined && by !== undefined) {
            assert.equal(actorRulesOf(claims).get(by), actor.rule)
            byRule++
          }
          chain.push(claims)
        }
        deepest = Math.max(deepest, chain.length)
        const last = chain.at(-1)
        assert.ok(last)
        assert.ok(actorsOf(last).length <= mostActors)
        assert.ok((last.ancestors ?? []).length <= mostAncestors)
        for (const [i, ancestor] of chain.slice(0, -1).entries()) {
          assert.ok(last.exp <= ancestor.exp)
          assert.equal(last.sub, ancestor.sub)
          assert.equal(last.grant, ancestor.grant)
          assert.equal(last.rule, ancestor.rule)
          assert.equal(last.binding, ancestor.binding)
          if (ancestor.cnf !== undefined) assert.ok(last.cnf)
          // Nor is it forgotten by which rule one of them is who it says.
          for (const [actor, rule] of actorRulesOf(ancestor))
            assert.equal(actorRulesOf(last).get(actor), rule)
          // The chain of who acts only grows, at the end where the last one stands.
          const before = actorsOf(ancestor)
          assert.deepEqual(actorsOf(last).slice(actorsOf(last).length - before.length), before)
          // Once somebody acts, nobody is added to those who may.
          if (ancestor.act !== undefined) {
            const whole: readonly AgentId[] = [...before.toReversed(), ...mayActOf(ancestor)]
            const since: readonly AgentId[] = [...actorsOf(last).toReversed(), ...mayActOf(last)]
            assert.deepEqual(since, whole.slice(0, since.length))
          }
          for (const request of requests) {
            for (const verb of last.authorization_details[0]?.verbs ?? [])
              if (verbCovers(verb, request))
                assert.ok(
                  ancestor.authorization_details[0]?.verbs.some((held) =>
                    verbCovers(held, request),
                  ),
                  `${verb} covers more than ${String(i)}`,
                )
            for (const at of [now, last.exp * 1000 - 1, last.exp * 1000, ancestor.exp * 1000 - 1])
              for (const environment of environments)
                for (const place of ['environment:a', 'environment:b']) {
                  const grant = { verbs: granted, constraints: limits }
                  const child = decide(factsFor(last, at, request, grant, environment, place))
                  if (child.kind === 'deny') continue
                  allowed++
                  const own = decide(factsFor(ancestor, at, request, grant, environment, place))
                  assert.deepEqual(child, own)
                }
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  assert.ok(allowed > 100, `it was about something: ${String(allowed)}`)
  assert.ok(deepest > 4, `and about chains: ${String(deepest)}`)
  assert.ok(byRule > 10, `and about rules: ${String(byRule)}`)
})

test('where nothing is asked for, a child has what is left of the parent’s verbs', () => {
  const parent = claimsWith(['read', 'volumeCreate', 'volume*'])
  const left = verbsOf(undefined, parent, ['read', 'volumeCreate'], find)
  assert.deepEqual(left, { ok: true, verbs: ['read', 'volumeCreate'] })
  assert.equal(verbsOf(undefined, parent, ['environmentRename'], find).ok, false)
  assert.equal(verbsOf(['volumeDelete'], parent, ['volumeDelete'], find).ok, false)
  assert.ok(narrow(['volumeDelete'], ['volumeDelete'], find).ok)
})

function claimsWith(
  held: readonly string[],
  other: Partial<CapabilityClaims> = {},
): CapabilityClaims {
  return {
    iss: publicUrl,
    aud: publicUrl,
    sub: holder,
    client_id: holder,
    jti: newId('capability'),
    iat: 1,
    exp: 2,
    grant: grantId,
    binding: 1,
    authorization_details: [
      { type: 'valetkey', provider: 'railway', environment: environments[0], verbs: [...held] },
    ],
    ...other,
  }
}

test('claims of more actors or ancestors than there may be are no capability’s', () => {
  const chain = (count: number) => Array.from({ length: count }, () => newId('agent'))
  const ancestors = (count: number) => Array.from({ length: count }, () => newId('capability'))
  const ok = (other: Partial<CapabilityClaims>) => isCapabilityClaims(claimsWith(['read'], other))
  assert.ok(ok(chainClaims(chain(mostActors), chain(mostActors))))
  assert.ok(ok({ ancestors: ancestors(mostAncestors) }))
  assert.ok(!ok(chainClaims(chain(mostActors + 1), [])))
  assert.ok(!ok(chainClaims([], chain(mostActors + 1))))
  assert.ok(!ok({ ancestors: ancestors(mostAncestors + 1) }))
  assert.ok(!ok({ ancestors: [] }))
  assert.ok(!ok({ act: { sub: holder, iss: publicUrl } as never }))
  assert.ok(!ok({ act: { sub: newId('operator') } }))
})

test('nobody acts who would be the fifth, or stands in the chain already', () => {
  const [, b, c, d, e, f] = agents as [AgentId, AgentId, AgentId, AgentId, AgentId, AgentId]
  const acted = (actors: readonly AgentId[], mayAct: readonly AgentId[]) =>
    claimsWith(['read'], {
      ...chainClaims(actors, mayAct),
      client_id: actors[0] ?? holder,
      ancestors: [newId('capability')],
    })
  const ask = (parent: CapabilityClaims, clientId: AgentId, mayAct: readonly AgentId[] = []) =>
    lineageOf(parent, { clientId, jkt: undefined }, mayAct)
  const fourth = ask(acted([d, c, b], [e]), e)
  assert.deepEqual(fourth.ok && fourth.actors, [e, d, c, b])
  for (const refused of [
    ask(acted([e, d, c, b], [f]), f),
    ask(acted([e, d, c, b], [f]), e, [f]),
    ask(acted([c, b], [b]), c, [b]),
    ask(acted([], []), holder, [b, c, d, e, f]),
  ])
    assert.equal(!refused.ok && refused.why, 'may_act')
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { verbCovers } from '../../src/core/grant.ts'
import type { CredentialMint } from '../../src/core/mint.ts'
import { effects, type Effect, type Invocation } from '../../src/core/operation.ts'
import { mintFacts } from '../../src/lease/kinds.ts'
import {
  handOutObjection,
  leaseSeconds,
  reachOf,
  type HandOutFacts,
  type LifetimeFacts,
} from '../../src/lease/terms.ts'

const good: HandOutFacts = {
  kind: 'github_app',
  narrowsToReads: true,
  readsSecrets: false,
  verbs: ['read'],
  constraints: [],
  approval: 'never',
  minted: 'redact',
  protected: false,
  forATime: false,
  bound: 1,
}
const everything = effects.join('+')

test('a grant that only reads, and asks nobody, can be handed out', () => {
  assert.equal(handOutObjection(good), undefined)
})

const refused: readonly (readonly [string, Partial<HandOutFacts>, RegExp])[] = [
  ['mints nothing', { kind: undefined }, /mints nothing/],
  ['mints by an OAuth refresh', { kind: 'oauth_refresh' }, /never handed out/],
  ['mints with a kind that nobody knows', { kind: 'other' }, /never handed out/],
  ['is in a protected environment', { protected: true }, /protected/],
  ['was made for a time', { forATime: true }, /for a time/],
  ['asks a person about what destroys', { approval: 'destructive' }, /approval rule never/],
  ['asks a person about everything', { approval: 'always' }, /approval rule never/],
  ['has a constraint', { constraints: [{ path: 'body.x', equals: 1 }] }, /constraints/],
  ['names an operation', { verbs: ['repos/get'] }, /narrower/],
  ['names an operation beside reads', { verbs: ['read', 'repos/get'] }, /narrower/],
  ['has a prefix', { verbs: ['repos/*'] }, /narrower/],
  ['writes and does not destroy', { verbs: ['read+write'] }, /narrower/],
  ['writes without reading', { verbs: ['write'] }, /narrower/],
  ['reads and writes apart', { verbs: ['read', 'write'] }, /narrower/],
  ['has each effect alone', { verbs: [...effects] }, /narrower/],
  ['has all effects, and redacts what is minted', { verbs: [everything] }, /revealed/],
  [
    'has all effects, and seals what is minted',
    { verbs: [everything], minted: 'seal' },
    /revealed/,
  ],
  ['has a verb that cannot be read', { verbs: ['read', '+'] }, /narrower/],
  ['has no verb', { verbs: [] }, /narrower/],
  ['is bound to nothing', { bound: 0 }, /bound to nothing/],
  ['reads, where what is minted does more', { narrowsToReads: false }, /reads alone/],
  ['reads no secret, where what is minted does', { readsSecrets: true }, /read\+secret/],
]
for (const [what, facts, why] of refused) {
  test(`a grant that ${what} cannot be handed out`, () => {
    assert.match(handOutObjection({ ...good, ...facts }) ?? 'it can', why)
  })
}

test('what reads secrets too can be handed out under a grant that says so', () => {
  const facts = { ...good, readsSecrets: true }
  assert.equal(handOutObjection({ ...facts, verbs: ['read', 'secret+read'] }), undefined)
  assert.equal(handOutObjection({ ...facts, verbs: ['secret+read'] }), undefined)
})

test('of the kinds, only an App of GitHub with plain permissions surely reads no secret', () => {
  const reads = (mint: CredentialMint) => mintFacts(mint).readsSecrets
  const app = { kind: 'github_app', app_id: '1', installation_id: '2' }
  assert.equal(reads({ ...app, permissions: { contents: 'read', metadata: 'read' } }), false)
  assert.equal(reads(app), true, 'it has what its installation has')
  for (const name of ['secrets', 'repository_hooks', 'secret_scanning_alerts', 'administration'])
    assert.equal(reads({ ...app, permissions: { contents: 'read', [name]: 'read' } }), true, name)
  for (const kind of ['aws_sts', 'gcp', 'kubernetes', 'railway', 'oauth_refresh', 'other'])
    assert.equal(reads({ kind, permissions: { contents: 'read' } }), true, kind)
  assert.equal(mintFacts(undefined).kind, undefined)
})

test('everything can be handed out where what is minted is revealed', () => {
  for (const kind of ['github_app', 'railway', 'aws_sts', 'gcp', 'kubernetes'])
    assert.equal(
      handOutObjection({
        ...good,
        kind,
        narrowsToReads: false,
        readsSecrets: true,
        verbs: [everything],
        minted: 'reveal',
      }),
      undefined,
    )
})

const aSet = fc.subarray([...effects], { minLength: 1 })
const aVerb = fc.oneof(
  aSet.map((set) => set.join('+')),
  fc.constantFrom('repos/get', 'repos/*', 'volumeDelete+destructive', 'query:me', '+', 'read+read'),
)

test('no verbs come to more than they cover: what a reach allows, some verb of them covers', () => {
  const allows: Readonly<Record<string, readonly Effect[]>> = {
    reads: ['read'],
    reads_and_reveals: ['read', 'secret'],
    everything: effects,
  }
  fc.assert(
    fc.property(fc.array(aVerb, { maxLength: 5 }), (verbs) => {
      const reach = reachOf(verbs)
      if (reach === undefined) return
      const allowed = allows[reach] ?? []
      for (const own of subsets(allowed)) {
        const invocation: Invocation = {
          operation: 'some/operation',
          effects: own,
          added: [],
          scope: 'environment',
          arguments: {},
          resources: [],
          widens: [],
        }
        assert.ok(
          verbs.some((verb) => verbCovers(verb, invocation)),
          `${verbs.join(' ')} come to ${reach}, and do not cover ${own.join('+')}`,
        )
      }
    }),
    { numRuns: 2_000 },
  )
})

function subsets(of: readonly Effect[]): Effect[][] {
  return of
    .reduce<Effect[][]>((all, each) => [...all, ...all.map((set) => [...set, each])], [[]])
    .filter((set) => set.includes('read') || set.includes('write'))
}

const now = 1_000_000
const lifetime: LifetimeFacts = {
  kind: 'github_app',
  revocable: true,
  asked: undefined,
  most: 900,
  grantEnds: Number.POSITIVE_INFINITY,
  capabilityEnds: undefined,
  now,
}

test('a lease lives no longer than the grant, its end and the capability let it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('github_app', 'aws_sts', 'gcp', 'kubernetes', 'railway'),
      fc.boolean(),
      fc.option(fc.integer({ min: 60, max: 900 }), { nil: undefined }),
      fc.integer({ min: 1, max: 900 }),
      fc.option(fc.integer({ min: -10_000, max: 2_000_000 }), { nil: undefined }),
      fc.option(fc.integer({ min: -10_000, max: 2_000_000 }), { nil: undefined }),
      (kind, revocable, asked, most, grant, capability) => {
        const grantEnds = grant === undefined ? Number.POSITIVE_INFINITY : now + grant
        const capabilityEnds = capability === undefined ? undefined : now + capability
        const found = leaseSeconds({
          kind,
          revocable,
          asked,
          most,
          grantEnds,
          capabilityEnds,
          now,
        })
        if (!found.ok) return
        assert.ok(found.seconds <= most)
        assert.ok(now + found.seconds * 1000 <= grantEnds)
        assert.ok(now + found.seconds * 1000 <= (capabilityEnds ?? Number.POSITIVE_INFINITY))
        assert.equal(found.until, Math.min(grantEnds, capabilityEnds ?? Number.POSITIVE_INFINITY))
        if (revocable && asked !== undefined) assert.ok(found.seconds <= asked)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('what lives for fifteen minutes at least, and cannot be ended, is not minted for less', () => {
  const sts = { ...lifetime, kind: 'aws_sts', revocable: false }
  assert.deepEqual(leaseSeconds(sts), { ok: true, seconds: 900, until: Infinity })
  assert.deepEqual(leaseSeconds({ ...sts, asked: 60 }), { ok: true, seconds: 900, until: Infinity })
  assert.match(JSON.stringify(leaseSeconds({ ...sts, most: 300 })), /900 seconds at least/)
  assert.equal(leaseSeconds({ ...sts, grantEnds: now + 600_000 }).ok, false)
})

test('what has less than a minute left to live is not minted', () => {
  assert.equal(leaseSeconds({ ...lifetime, capabilityEnds: now + 59_000 }).ok, false)
  assert.equal(leaseSeconds({ ...lifetime, capabilityEnds: now + 60_000 }).ok, true)
})

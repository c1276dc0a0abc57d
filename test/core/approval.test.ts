import { test } from 'node:test'
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {
  approvalsNeeded,
  approvalStates,
  approvalSteps,
  approverRules,
  decisionRefusal,
  operationsDigest,
  requestDigest,
  stillAnswers,
  type ApprovableRequest,
  type ApprovalDocument,
  type ApprovalState,
  type DecisionFacts,
  type DecisionRefusal,
} from '../../src/core/approval.ts'
import { decisionDigest, decisionText } from '../../src/core/decision.ts'
import { canonicalize, type Canonical } from '../../src/core/canonical.ts'
import { newId, type OperatorId } from '../../src/ids.ts'

const people = [newId('operator'), newId('operator'), newId('operator')] as const
const [ada, grace, edsger] = people

/** Ada, who owns neither the agent nor anything else, may approve. */
const plain: DecisionFacts = {
  now: 1_000,
  approval: { state: 'pending', expiresAt: 2_000, approvedBy: [] },
  environment: { protected: false, owners: [grace] },
  agentOwner: grace,
  rule: 'anyone',
  approver: { id: ada, active: true, isApprover: true, via: 'cookie' },
  decision: 'approve',
  evidence: 'passkey',
  oneTimeCodes: false,
  routedTo: [ada],
}

/** Each rule by itself: all else is as it should be. */
const alone: Readonly<Record<DecisionRefusal, readonly DecisionFacts[]>> = {
  bearer: [{ ...plain, approver: { ...plain.approver, via: 'bearer' } }],
  not_an_approver: [
    { ...plain, approver: { ...plain.approver, active: false } },
    { ...plain, approver: { ...plain.approver, isApprover: false } },
  ],
  not_routed: [
    { ...plain, routedTo: [] },
    { ...plain, routedTo: [grace, edsger] },
  ],
  not_pending: approvalStates
    .filter((state) => state !== 'pending')
    .map((state) => ({ ...plain, approval: { ...plain.approval, state } })),
  expired: [2_000, 2_001, Number.NaN].map((now) => ({ ...plain, now })),
  owner_of_the_agent: [{ ...plain, rule: 'not_owner', agentOwner: ada }],
  already_approved: [
    { ...plain, rule: 'two_persons', approval: { ...plain.approval, approvedBy: [ada] } },
    { ...plain, rule: 'two_persons', approval: { ...plain.approval, approvedBy: [grace, ada] } },
  ],
  code_not_allowed: [
    { ...plain, evidence: 'one_time_code' },
    {
      ...plain,
      evidence: 'one_time_code',
      oneTimeCodes: true,
      environment: { ...plain.environment, protected: true },
    },
  ],
}

for (const [refusal, cases] of Object.entries(alone)) {
  test(`nobody approves against the rule ${refusal}, though all else is right`, () => {
    assert.equal(decisionRefusal(plain), undefined)
    assert.ok(cases.length > 0)
    for (const facts of cases) assert.equal(decisionRefusal(facts), refusal)
  })
}

test('an owner may approve their own agent’s request where no rule asks for another', () => {
  assert.equal(decisionRefusal({ ...plain, agentOwner: ada }), undefined)
  assert.equal(decisionRefusal({ ...plain, agentOwner: ada, rule: 'two_persons' }), undefined)
  assert.equal(decisionRefusal({ ...plain, rule: 'not_owner' }), undefined)
})

test('one-time codes approve where an admin switched them on and nothing is protected', () => {
  const facts: DecisionFacts = { ...plain, evidence: 'one_time_code', oneTimeCodes: true }
  assert.equal(decisionRefusal(facts), undefined)
  const protectedEnvironment = { ...plain.environment, protected: true }
  assert.equal(decisionRefusal({ ...plain, environment: protectedEnvironment }), undefined)
})

test('every approver may say no, by every means, and whoever they are', () => {
  for (const refusal of ['owner_of_the_agent', 'already_approved', 'code_not_allowed'] as const)
    for (const facts of alone[refusal])
      assert.equal(decisionRefusal({ ...facts, decision: 'deny' }), undefined, refusal)
  for (const refusal of [
    'bearer',
    'not_an_approver',
    'not_routed',
    'not_pending',
    'expired',
  ] as const)
    for (const facts of alone[refusal])
      assert.equal(decisionRefusal({ ...facts, decision: 'deny' }), refusal, refusal)
})

const person = fc.constantFrom<OperatorId>(...people)
const some = fc.subarray<OperatorId>([...people])
const anyFacts: fc.Arbitrary<DecisionFacts> = fc.record({
  now: fc.integer({ min: 1_998, max: 2_002 }),
  approval: fc.record({
    state: fc.oneof(
      { weight: 9, arbitrary: fc.constant<ApprovalState>('pending') },
      { weight: 1, arbitrary: fc.constantFrom(...approvalStates) },
    ),
    expiresAt: fc.constant(2_001),
    approvedBy: some,
  }),
  environment: fc.record({ protected: fc.boolean(), owners: some }),
  agentOwner: person,
  rule: fc.constantFrom(...approverRules),
  approver: fc.record({
    id: person,
    active: fc.boolean(),
    isApprover: fc.boolean(),
    via: fc.constantFrom('bearer' as const, 'cookie' as const),
  }),
  decision: fc.constantFrom('approve' as const, 'deny' as const),
  evidence: fc.constantFrom('passkey' as const, 'one_time_code' as const),
  oneTimeCodes: fc.boolean(),
  routedTo: some,
})

test('whoever may decide meets every condition, and whoever meets every condition may', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { approval, approver } = facts
      const may =
        approver.via === 'cookie' &&
        approver.active &&
        approver.isApprover &&
        facts.routedTo.includes(approver.id) &&
        approval.state === 'pending' &&
        facts.now < 2_001
      const mayApprove =
        may &&
        !approval.approvedBy.includes(approver.id) &&
        !(facts.rule === 'not_owner' && facts.agentOwner === approver.id) &&
        (facts.evidence === 'passkey' || (facts.oneTimeCodes && !facts.environment.protected))
      const expected = facts.decision === 'deny' ? may : mayApprove
      assert.equal(decisionRefusal(facts) === undefined, expected)
    }),
    { numRuns: 2_000 },
  )
})

test('taking anything away from somebody who may not decide never lets them', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      fc.pre(decisionRefusal(facts) !== undefined)
      const { approver, approval } = facts
      const less: readonly DecisionFacts[] = [
        { ...facts, approver: { ...approver, active: false } },
        { ...facts, approver: { ...approver, isApprover: false } },
        { ...facts, approver: { ...approver, via: 'bearer' } },
        { ...facts, routedTo: [] },
        { ...facts, now: facts.now + 10 },
        { ...facts, approval: { ...approval, approvedBy: people } },
        { ...facts, evidence: 'one_time_code' },
        { ...facts, oneTimeCodes: false },
      ]
      for (const each of less) assert.notEqual(decisionRefusal(each), undefined)
    }),
    { numRuns: 500 },
  )
})

test('two persons are two, and every other rule is one', () => {
  assert.deepEqual(
    approverRules.map((rule) => [rule, approvalsNeeded(rule)]),
    [
      ['anyone', 1],
      ['not_owner', 1],
      ['two_persons', 2],
    ],
  )
})

test('no step leads back, nothing is sent that a person did not approve, and what is over stays so', () => {
  const after = (state: ApprovalState): readonly ApprovalState[] =>
    approvalSteps[state].flatMap((next) => [next, ...after(next)])
  for (const state of approvalStates) assert.ok(!after(state).includes(state), state)
  const before = approvalStates.filter((state) => approvalSteps[state].includes('sending'))
  assert.deepEqual(before, ['approved', 'held'])
  for (const state of ['done', 'unknown', 'denied', 'expired', 'cancelled'] as const)
    assert.deepEqual(approvalSteps[state], [])
  assert.deepEqual(new Set(after('sending')), new Set(['cancelled', 'done', 'unknown']))
})

test('an approval answers for its request for as long as its state lasts, and not a moment longer', () => {
  const times = { expiresAt: 10, usableUntil: 20, standsUntil: 30 }
  const last: Readonly<Record<ApprovalState, number>> = {
    pending: 10,
    approved: 20,
    held: 20,
    sending: Number.POSITIVE_INFINITY,
    done: 30,
    unknown: 30,
    denied: 30,
    cancelled: 30,
    expired: Number.NEGATIVE_INFINITY,
  }
  for (const state of approvalStates)
    for (const now of [-1, 9, 10, 19, 20, 29, 30, 1e9])
      assert.equal(
        stillAnswers({ ...times, state }, now),
        now < last[state],
        `${state} ${String(now)}`,
      )
  const open = { expiresAt: 10, usableUntil: undefined, standsUntil: undefined }
  for (const state of ['approved', 'held', 'done', 'unknown', 'denied', 'cancelled'] as const)
    assert.equal(stillAnswers({ ...open, state }, 0), false, state)
})

const request: ApprovableRequest = {
  agentId: newId('agent'),
  grantId: newId('grant'),
  environmentId: newId('environment'),
  credential: { id: newId('credential'), version: 3 },
  provider: 'railway',
  origin: 'https://backboard.railway.com',
  method: 'POST',
  target: '/graphql/v2?a=1',
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"query":"…"}'),
}

test('a request changed in any part, or by one byte, has another digest', () => {
  const digest = requestDigest(request)
  assert.match(digest, /^[0-9a-f]{64}$/)
  const others: readonly ApprovableRequest[] = [
    { ...request, agentId: newId('agent') },
    { ...request, grantId: newId('grant') },
    { ...request, environmentId: newId('environment') },
    { ...request, credential: { ...request.credential, id: newId('credential') } },
    { ...request, credential: { ...request.credential, version: 4 } },
    { ...request, provider: 'github' },
    { ...request, origin: 'https://backboard.railway.app' },
    { ...request, method: 'PUT' },
    { ...request, target: '/graphql/v2?a=2' },
    { ...request, headers: { ...request.headers, 'content-type': 'text/plain' } },
    { ...request, headers: { ...request.headers, prefer: 'x' } },
    { ...request, headers: {} },
    { ...request, body: undefined },
    { ...request, body: Buffer.from('{"query":"…"} ') },
  ]
  const digests = [digest, ...others.map(requestDigest)]
  assert.equal(new Set(digests).size, digests.length)
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), (place, change) => {
      const body = Buffer.from(request.body ?? [])
      const at = place % body.length
      body[at] = (body[at] ?? 0) ^ change
      assert.notEqual(requestDigest({ ...request, body }), digest)
    }),
  )
})

test('two requests have one digest only where they are one request', () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 })
  const any = fc.record({
    method: text,
    target: text,
    headers: fc.dictionary(text, text, { maxKeys: 3 }),
    body: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  })
  fc.assert(
    fc.property(any, any, (one, other) => {
      const same =
        canonicalize({ ...one, body: one.body.toString('hex') }) ===
        canonicalize({ ...other, body: other.body.toString('hex') })
      const digests = [one, other].map((part) => requestDigest({ ...request, ...part }))
      assert.equal(digests[0] === digests[1], same)
    }),
  )
})

test('the order in which headers were written does not make another request', () => {
  const one = { ...request, headers: { a: '1', b: '2' } }
  const other = { ...request, headers: { b: '2', a: '1' } }
  assert.equal(requestDigest(one), requestDigest(other))
})

test('a set of operations has one digest, however often and in which order they are named', () => {
  assert.equal(operationsDigest(['b', 'a', 'b']), operationsDigest(['a', 'b']))
  assert.notEqual(operationsDigest(['a', 'b']), operationsDigest(['a']))
  assert.notEqual(operationsDigest(['a,b']), operationsDigest(['a', 'b']))
})

const document: ApprovalDocument = {
  id: newId('approval'),
  requestDigest: requestDigest(request),
  agent: { id: request.agentId, name: 'deploy' },
  grantId: request.grantId,
  environment: { id: request.environmentId, name: 'acme/staging', protected: false },
  provider: 'railway',
  operations: [
    {
      name: 'volumeDelete',
      effects: ['write', 'destructive'],
      objects: [{ id: 'volume:v', name: 'data', livesIn: ['acme/staging'] }],
      arguments: { volumeId: 'v' },
    },
  ],
  facts: [{ label: 'Backups that die with it', value: '4' }],
  because: ['destructive'],
  holdSeconds: 60,
  requestedAt: 1,
  expiresAt: 2,
  nonce: 'n',
}

/** Every value within a document changed, one at a time. */
function* changes(value: unknown): Generator {
  if (Array.isArray(value)) {
    yield [...(value as unknown[]), 'more']
    for (const [index, member] of value.entries())
      for (const changed of changes(member))
        yield value.map((each: unknown, at) => (at === index ? changed : each))
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
      for (const changed of changes(member)) yield { ...value, [key]: changed }
    }
  } else yield typeof value === 'number' ? value + 1 : `${String(value)}x`
}

test('what is signed says everything that was shown, what was decided, and by whom', () => {
  const signed = (of: ApprovalDocument): string =>
    decisionDigest(of, 'approve', ada).toString('hex')
  const digests = [
    signed(document),
    decisionDigest(document, 'deny', ada).toString('hex'),
    decisionDigest(document, 'approve', grace).toString('hex'),
    ...[...changes(document)].map((changed) => signed(changed as ApprovalDocument)),
  ]
  assert.ok(digests.length > 40)
  assert.equal(new Set(digests).size, digests.length)
  assert.equal(decisionDigest(document, 'approve', ada).length, 32)
})

test('a document that was kept as canonical JSON is signed and checked as the same one', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, name) => {
      const shown = {
        ...document,
        agent: { ...document.agent, name },
        operations: [{ ...document.operations[0], arguments: value as Canonical }],
      } as unknown as ApprovalDocument
      const kept = JSON.parse(canonicalize(shown)) as ApprovalDocument
      assert.equal(decisionText(kept, 'approve', ada), decisionText(shown, 'approve', ada))
    }),
  )
})

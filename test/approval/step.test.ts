import { test } from 'node:test'
import assert from 'node:assert/strict'
import {
  cancel,
  cancelWhere,
  sweep,
  unknownStandsSeconds,
  type CancelScope,
} from '../../src/approval/ending.ts'
import {
  claimDue,
  consume,
  decide,
  finish,
  renewLease,
  sendWithinSeconds,
} from '../../src/approval/step.ts'
import { sealAnswer, openAnswer, openRequest } from '../../src/approval/sealed.ts'
import { readApproval, type Approval } from '../../src/approval/store.ts'
import type { ApprovalState } from '../../src/core/approval.ts'
import { newId, type ApprovalId } from '../../src/ids.ts'
import {
  minutes,
  no,
  noon,
  seconds,
  taking,
  useWorld,
  yes,
  type Wish,
  type World,
} from './parked.ts'

const worldOf = useWorld()

async function stateOf(world: World, id: ApprovalId): Promise<ApprovalState | undefined> {
  return (await readApproval(world.b, id))?.state
}

/** One that waits for a decision, and was brought into each of the states. */
async function inState(world: World, state: ApprovalState, wish: Wish = {}): Promise<Approval> {
  const { a, people, replicas, record, within } = world
  const target = `/${state}`
  const read = async (id: ApprovalId): Promise<Approval> => {
    const approval = await readApproval(a, id)
    assert.ok(approval?.state === state, approval?.state)
    return approval
  }
  const sent = async (): Promise<Approval> => {
    const approval = await world.approved({ target, ...wish })
    await within((tx) => consume(tx, taking(approval, replicas[0]), record))
    return approval
  }
  switch (state) {
    case 'pending':
      return world.parked({ target, ...wish })
    case 'approved':
      return world.approved({ target, ...wish })
    case 'held':
      return world.approved({ target, execute: 'broker', holdSeconds: 60, ...wish })
    case 'sending':
      return read((await sent()).id)
    case 'done':
    case 'unknown': {
      const { id } = await sent()
      const standsUntil = noon + minutes
      await within((tx) =>
        finish(tx, { id, replicaId: replicas[0], outcome: state, standsUntil, now: noon }, record),
      )
      return read(id)
    }
    case 'denied': {
      const { id } = await world.parked({ target, ...wish })
      await within((tx) => decide(tx, no(id, people[0]), record))
      return read(id)
    }
    case 'cancelled': {
      const { id } = await world.parked({ target, ...wish })
      await within((tx) => cancel(tx, { id, by: 'x', reason: 'x', now: noon }, record))
      return read(id)
    }
    case 'expired': {
      const { id } = await world.parked({ target, ...wish })
      await within((tx) => sweep(tx, noon + 5 * minutes, record))
      return read(id)
    }
  }
}

test('a yes makes it usable until the moment that was signed, with the evidence beside it', async () => {
  const world = worldOf()
  const { id, document } = await world.parked()
  const evidence = { kind: 'passkey', clientData: 'eyJ\u0000', n: 1 }
  const approved = await world.within((tx) =>
    decide(tx, { ...yes(id, world.people[1], noon + minutes), evidence }, world.record),
  )
  assert.equal(approved?.state, 'approved')
  assert.deepEqual(approved.approvedBy, [world.people[1]])
  assert.deepEqual(approved.decisions, [
    { approverId: world.people[1], at: noon + minutes, decision: 'approve', evidence },
  ])
  assert.equal(approved.settledAt?.getTime(), noon + minutes)
  assert.equal(approved.usableUntil?.getTime(), document.expiresAt)
  assert.equal(approved.heldUntil, null)
  assert.deepEqual(approved.document, document)
  assert.deepEqual(world.recorded, [`pending ${id}`, `approved ${id}`])
})

test('a decision changes its own approval and no other', async () => {
  const world = worldOf()
  const { id } = await world.parked({ target: '/1' })
  const other = await world.parked({ target: '/2' })
  await world.within((tx) => decide(tx, yes(id, world.people[0]), world.record))
  assert.equal(await stateOf(world, other.id), 'pending')
  await world.within((tx) => decide(tx, no(other.id, world.people[0]), world.record))
  assert.equal(await stateOf(world, id), 'approved')
})

test('nobody decides what has run out, or what is not pending', async () => {
  const world = worldOf()
  const late = await world.parked({ target: '/late' })
  for (const make of [yes, no]) {
    const at = noon + 5 * minutes
    const decided = await world.within((tx) =>
      decide(tx, make(late.id, world.people[0], at), world.record),
    )
    assert.equal(decided, undefined)
  }
  for (const state of [
    'approved',
    'held',
    'sending',
    'done',
    'unknown',
    'denied',
    'cancelled',
    'expired',
  ] as const) {
    const { id } = await inState(world, state)
    for (const make of [yes, no]) {
      const decided = await world.within((tx) =>
        decide(tx, make(id, world.people[1]), world.record),
      )
      assert.equal(decided, undefined, state)
      assert.equal(await stateOf(world, id), state)
    }
  }
  assert.equal((await readApproval(world.a, late.id))?.decisions.length, 0)
})

test('where two persons must, the first yes is kept, the same person’s second is none, another’s approves', async () => {
  const world = worldOf()
  const { id } = await world.parked({ rule: 'two_persons' })
  const decideBy = (n: 0 | 1) =>
    world.within((tx) => decide(tx, yes(id, world.people[n], noon + n), world.record))
  const first = await decideBy(0)
  assert.equal(first?.state, 'pending')
  assert.deepEqual(first.approvedBy, [world.people[0]])
  assert.equal(first.settledAt, null)
  assert.equal(first.usableUntil, null)
  assert.equal(await decideBy(0), undefined)
  assert.equal((await readApproval(world.a, id))?.decisions.length, 1)
  const second = await decideBy(1)
  assert.equal(second?.state, 'approved')
  assert.deepEqual(second.approvedBy, world.people)
  assert.equal(second.settledAt?.getTime(), noon + 1)
  assert.deepEqual(
    second.decisions.map(({ approverId }) => approverId),
    world.people,
  )
})

test('whoever said yes first can still say no while another is waited for', async () => {
  const world = worldOf()
  const { id } = await world.parked({ rule: 'two_persons' })
  await world.within((tx) => decide(tx, yes(id, world.people[0]), world.record))
  const denied = await world.within((tx) => decide(tx, no(id, world.people[0]), world.record))
  assert.equal(denied?.state, 'denied')
})

test('two yeses of two persons at the same moment approve once; two of one person do not approve', async () => {
  const world = worldOf()
  for (let round = 0; round < 10; round++) {
    const { id } = await world.parked({ rule: 'two_persons', target: `/both/${String(round)}` })
    const both = await Promise.all([
      world.within((tx) => decide(tx, yes(id, world.people[0]), world.record), world.a),
      world.within((tx) => decide(tx, yes(id, world.people[1]), world.record), world.b),
    ])
    assert.deepEqual(new Set(both.map((each) => each?.state)), new Set(['approved', 'pending']))

    const alone = await world.parked({ rule: 'two_persons', target: `/one/${String(round)}` })
    const twice = await Promise.all([
      world.within((tx) => decide(tx, yes(alone.id, world.people[0]), world.record), world.a),
      world.within((tx) => decide(tx, yes(alone.id, world.people[0]), world.record), world.b),
    ])
    assert.deepEqual(new Set(twice.map((each) => each?.state)), new Set(['pending', undefined]))
  }
})

test('an approved request is taken only as the same request of the same agent, in time, and where the agent sends it', async () => {
  const world = worldOf()
  const approval = await world.approved()
  const other = await world.newAsker()
  const [replicaId] = world.replicas
  const take = (change: Partial<Parameters<typeof consume>[1]>) =>
    world.within((tx) => consume(tx, { ...taking(approval, replicaId), ...change }, world.record))
  assert.equal(await take({ digest: '0'.repeat(64) }), undefined)
  assert.equal(await take({ agentId: other.agentId }), undefined)
  assert.equal(await take({ now: noon + 5 * minutes }), undefined)
  assert.equal(await take({ id: newId('approval') }), undefined)
  assert.equal(await stateOf(world, approval.id), 'approved')
  const taken = await take({ now: noon + 5 * minutes - 1 })
  assert.equal(taken?.state, 'sending')
  assert.equal(taken.sentBy, replicaId)
  assert.equal(taken.leaseUntil?.getTime(), noon + minutes)

  const brokers = await world.approved({ execute: 'broker', target: '/broker' })
  assert.equal(brokers.state, 'approved')
  assert.equal(
    await world.within((tx) => consume(tx, taking(brokers, replicaId), world.record)),
    undefined,
  )
})

test('nothing is taken that is not approved', async () => {
  const world = worldOf()
  for (const state of [
    'pending',
    'held',
    'sending',
    'done',
    'unknown',
    'denied',
    'cancelled',
    'expired',
  ] as const) {
    const approval = await inState(world, state)
    const taken = await world.within((tx) =>
      consume(tx, taking(approval, world.replicas[1]), world.record),
    )
    assert.equal(taken, undefined, state)
    assert.equal(await stateOf(world, approval.id), state)
  }
})

test('a held request is claimed when its undo window is over, once, by the broker, and not when it missed its time', async () => {
  const world = worldOf()
  const held = await world.approved({ execute: 'broker', holdSeconds: 600 })
  const due = noon + 10 * minutes
  assert.equal(held.state, 'held')
  assert.equal(held.heldUntil?.getTime(), due)
  assert.equal(held.usableUntil?.getTime(), due + sendWithinSeconds * seconds)
  const claim = (now: number) =>
    world.within((tx) =>
      claimDue(tx, { replicaId: world.replicas[1], leaseUntil: now + minutes, now }, world.record),
    )
  assert.equal(await claim(due - 1), undefined)
  assert.equal(await claim(due + sendWithinSeconds * seconds), undefined)
  // Its decision had to come within five minutes; its sending has ten of its own.
  const claimed = await claim(due)
  assert.equal(claimed?.id, held.id)
  assert.equal(claimed.state, 'sending')
  assert.equal(claimed.sentBy, world.replicas[1])
  assert.equal(claimed.leaseUntil?.getTime(), due + minutes)
  assert.equal(await claim(due), undefined)
})

test('the broker takes what it is to send without a window at once, and nothing that the agent is to send', async () => {
  const world = worldOf()
  await world.approved({ target: '/agent' })
  await world.parked({ target: '/pending', execute: 'broker' })
  const approval = await world.approved({ target: '/broker', execute: 'broker' })
  const claim = () =>
    world.within((tx) =>
      claimDue(
        tx,
        { replicaId: world.replicas[0], leaseUntil: noon + minutes, now: noon },
        world.record,
      ),
    )
  assert.equal((await claim())?.id, approval.id)
  assert.equal(await claim(), undefined)
})

test('an agent cannot send what is to be held', async () => {
  const world = worldOf()
  await assert.rejects(world.park({ holdSeconds: 60, execute: 'agent' }), /approval_undo/)
})

test('only whoever took it says what came of it, once, and the request is forgotten', async () => {
  const world = worldOf()
  const approval = await inState(world, 'sending')
  assert.ok(await openRequest(world.a, world.sealer, approval))
  const [replicaId, stranger] = world.replicas
  const standsUntil = noon + minutes
  const answer = await sealAnswer(world.sealer, approval, Buffer.from('the answer'))
  const end = (by: typeof replicaId) =>
    world.within((tx) =>
      finish(
        tx,
        { id: approval.id, replicaId: by, outcome: 'done', answer, standsUntil, now: noon + 1 },
        world.record,
      ),
    )
  assert.equal(await end(stranger), undefined)
  const done = await end(replicaId)
  assert.equal(done?.state, 'done')
  assert.equal(done.hasAnswer, true)
  assert.equal(done.endedAt?.getTime(), noon + 1)
  assert.equal(await end(replicaId), undefined)
  assert.equal(await openRequest(world.a, world.sealer, done), undefined)
  assert.equal((await openAnswer(world.b, world.sealer, done))?.toString(), 'the answer')

  await world.within((tx) => sweep(tx, standsUntil - 1, world.record))
  assert.ok(await openAnswer(world.b, world.sealer, done))
  await world.within((tx) => sweep(tx, standsUntil, world.record))
  assert.equal(await openAnswer(world.b, world.sealer, done), undefined)
  assert.equal((await readApproval(world.a, done.id))?.hasAnswer, false)
})

test('whoever took it and found that it may not go says so, and nothing else can be finished', async () => {
  const world = worldOf()
  const { id } = await inState(world, 'sending')
  const end = (of: ApprovalId, outcome: 'done' | 'cancelled') =>
    world.within((tx) =>
      finish(
        tx,
        {
          id: of,
          replicaId: world.replicas[0],
          outcome,
          reason: 'moved',
          standsUntil: noon + minutes,
          now: noon,
        },
        world.record,
      ),
    )
  const cancelled = await end(id, 'cancelled')
  assert.equal(cancelled?.state, 'cancelled')
  assert.equal(cancelled.cancelReason, 'moved')
  for (const state of ['pending', 'approved', 'held', 'denied', 'expired'] as const) {
    const approval = await inState(world, state)
    assert.equal(await end(approval.id, 'done'), undefined, state)
  }
})

test('a lease that ran out makes the outcome unknown: it is not sent again, nor finished, nor renewed', async () => {
  const world = worldOf()
  const approval = await inState(world, 'sending')
  const [replicaId, stranger] = world.replicas
  const { id } = approval
  const renew = (by: typeof replicaId, leaseUntil: number) =>
    renewLease(world.a, { id, replicaId: by, leaseUntil })
  assert.equal(await renew(stranger, noon + 9 * minutes), false)
  assert.equal(await renew(replicaId, noon + 2 * minutes), true)
  const swept = (now: number) => world.within((tx) => sweep(tx, now, world.record))
  assert.deepEqual(await swept(noon + 2 * minutes - 1), [])
  const [unknown] = await swept(noon + 2 * minutes)
  assert.equal(unknown?.id, id)
  assert.equal(unknown.state, 'unknown')
  assert.equal(unknown.standsUntil?.getTime(), noon + 2 * minutes + unknownStandsSeconds * seconds)
  assert.equal(await renew(replicaId, noon + 9 * minutes), false)
  assert.equal(
    await world.within((tx) => consume(tx, taking(approval, replicaId), world.record)),
    undefined,
  )
  const finished = await world.within((tx) =>
    finish(
      tx,
      { id, replicaId, outcome: 'done', standsUntil: noon + 60 * minutes, now: noon },
      world.record,
    ),
  )
  assert.equal(finished, undefined)
  assert.equal(await stateOf(world, id), 'unknown')
  assert.deepEqual(world.recorded.at(-1), `unknown ${id}`)
})

test('what runs out is found to be expired: each kind at its own time, nothing else, and the request is forgotten', async () => {
  const world = worldOf()
  const states = ['pending', 'approved', 'held', 'denied', 'cancelled', 'done', 'unknown'] as const
  const made = new Map<string, Approval>()
  for (const state of states) made.set(state, await inState(world, state))
  const swept = async (now: number) =>
    (await world.within((tx) => sweep(tx, now, world.record))).map(
      ({ id, state }) => `${state} ${[...made].find(([, each]) => each.id === id)?.[0] ?? ''}`,
    )
  assert.deepEqual(await swept(noon + 5 * minutes - 1), [])
  assert.deepEqual((await swept(noon + 5 * minutes)).sort(), [
    'expired approved',
    'expired pending',
  ])
  // Held for a minute, and then to be sent within five.
  assert.deepEqual(await swept(noon + 6 * minutes - 1), [])
  assert.deepEqual(await swept(noon + 6 * minutes), ['expired held'])
  assert.deepEqual(await swept(noon + 24 * 60 * minutes), [])
  for (const state of ['pending', 'approved', 'held', 'denied', 'cancelled'] as const) {
    const approval = made.get(state)
    assert.ok(approval)
    assert.equal(await openRequest(world.a, world.sealer, approval), undefined, state)
  }
  const silent = await readApproval(world.a, made.get('pending')?.id ?? newId('approval'))
  assert.equal(silent?.settledAt?.getTime(), noon + 5 * minutes)
  assert.equal(silent.usableUntil, null)
  const unused = await readApproval(world.a, made.get('approved')?.id ?? newId('approval'))
  assert.equal(unused?.settledAt?.getTime(), noon)
})

test('anyone can stop what was not sent, until the last moment, and nothing after it', async () => {
  const world = worldOf()
  const stop = (id: ApprovalId) =>
    world.within((tx) =>
      cancel(tx, { id, by: world.people[1], reason: 'wait', now: noon }, world.record),
    )
  for (const state of ['pending', 'approved', 'held'] as const) {
    const { id } = await inState(world, state)
    assert.equal((await stop(id))?.state, 'cancelled', state)
    const claimed = await world.within((tx) =>
      claimDue(
        tx,
        { replicaId: world.replicas[0], leaseUntil: noon, now: noon + 2 * minutes },
        world.record,
      ),
    )
    assert.equal(claimed, undefined)
  }
  await world.a.deleteFrom('approval').execute()
  for (const state of ['sending', 'done', 'unknown', 'denied', 'cancelled', 'expired'] as const) {
    const { id } = await inState(world, state)
    assert.equal(await stop(id), undefined, state)
    assert.equal(await stateOf(world, id), state)
  }
})

test('a revocation or a freeze stops what it concerns, of all that was not sent, and nothing else', async () => {
  const world = worldOf()
  const { asker, environmentId, credentialId, capabilityId } = world
  const other = await world.newAsker()
  const otherCapability = newId('capability')
  const of = (scope: CancelScope) =>
    world.within((tx) =>
      cancelWhere(tx, scope, { by: 'fz_1', reason: 'frozen', now: noon }, world.record),
    )
  const concerned: readonly CancelScope[] = [
    { kind: 'agent', id: asker.agentId },
    { kind: 'grant', id: asker.grantId },
    { kind: 'capability', id: capabilityId },
    { kind: 'credential', id: credentialId },
    { kind: 'environment', id: environmentId },
    { kind: 'provider', id: 'railway' },
    { kind: 'everything' },
  ]
  for (const scope of concerned) {
    await world.a.deleteFrom('approval').execute()
    const theirs = [
      await inState(world, 'pending'),
      await inState(world, 'approved'),
      await inState(world, 'held'),
    ]
    const sent = await inState(world, 'sending')
    const denied = await inState(world, 'denied')
    const others = await world.parked({ asker: other, capabilityId: otherCapability })
    const stopped = await of(scope)
    const shared = ['credential', 'environment', 'provider', 'everything'].includes(scope.kind)
    assert.deepEqual(
      stopped.map(({ id }) => id).sort(),
      [...theirs, ...(shared ? [others] : [])].map(({ id }) => id).sort(),
      scope.kind,
    )
    for (const each of stopped) {
      assert.equal(each.state, 'cancelled')
      assert.equal(each.cancelledBy, 'fz_1')
      assert.equal(await openRequest(world.a, world.sealer, each), undefined)
    }
    assert.equal(await stateOf(world, sent.id), 'sending')
    assert.equal(await stateOf(world, denied.id), 'denied')
    assert.equal(await stateOf(world, others.id), shared ? 'cancelled' : 'pending')
  }
  for (const kind of ['agent', 'grant', 'capability', 'credential', 'environment'] as const)
    assert.deepEqual(await of({ kind, id: 'another' }), [], kind)
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { defaultLimits, park } from '../../src/approval/park.ts'
import { cancel, cancelWhere, sweep } from '../../src/approval/ending.ts'
import { sealRequest } from '../../src/approval/sealed.ts'
import { claimDue, consume, decide, finish, renewLease } from '../../src/approval/step.ts'
import { matchApproval, readApproval, type Approval } from '../../src/approval/store.ts'
import { approvalSteps, type ApprovalState } from '../../src/core/approval.ts'
import { openFeed } from '../../src/db/feed.ts'
import type { Db, Tx } from '../../src/db/open.ts'
import type { RevisionScope } from '../../src/db/types.ts'
import { until } from '../support/until.ts'
import { minutes, no, noon, taking, useWorld, yes } from './parked.ts'

const worldOf = useWorld()

test('of 64 who take one approval at once, over two replicas, one has it', async () => {
  const world = worldOf()
  for (let round = 0; round < 8; round++) {
    const approval = await world.approved({ target: `/${String(round)}` })
    const all = await Promise.all(
      Array.from({ length: 64 }, (_, n) => {
        const [db, replicaId] =
          n % 2 === 0 ? [world.a, world.replicas[0]] : [world.b, world.replicas[1]]
        return world.within((tx) => consume(tx, taking(approval, replicaId), world.record), db)
      }),
    )
    const winners = all.filter((each) => each !== undefined)
    assert.equal(winners.length, 1)
    const now = await readApproval(world.a, approval.id)
    assert.equal(now?.state, 'sending')
    assert.equal(now.sentBy, winners[0]?.sentBy)
    assert.equal(world.recorded.filter((line) => line === `sending ${approval.id}`).length, 1)
  }
})

test('of all who claim held requests at once, each request goes to one', async () => {
  const world = worldOf()
  const held: Approval[] = []
  for (let n = 0; n < 6; n++)
    held.push(await world.approved({ execute: 'broker', holdSeconds: 60, target: `/${String(n)}` }))
  const now = noon + minutes
  const claimOn = (db: Db, n: number) =>
    world.within(
      (tx) =>
        claimDue(
          tx,
          { replicaId: world.replicas[n % 2 === 0 ? 0 : 1], leaseUntil: now + minutes, now },
          world.record,
        ),
      db,
    )
  const claimed: Approval[] = []
  for (let round = 0; round < 8; round++) {
    const some = await Promise.all(
      Array.from({ length: 16 }, (_, n) => claimOn(n % 2 === 0 ? world.a : world.b, n)),
    )
    claimed.push(...some.filter((each) => each !== undefined))
  }
  assert.deepEqual(claimed.map(({ id }) => id).sort(), held.map(({ id }) => id).sort())
})

test('whatever is decided, cancelled, taken and swept at one moment, each approval ends in one way only', async () => {
  const world = worldOf()
  const { within, record, people, replicas } = world
  const limits = { ...defaultLimits, refusedInARow: 1_000 }
  const seen = new Set<string>()
  for (let round = 0; round < 24; round++) {
    world.recorded.length = 0
    const pending = await world.parked({ target: `/p/${String(round)}`, limits })
    const approved = await world.approved({ target: `/a/${String(round)}`, limits })
    const late = noon + 5 * minutes
    const acts = [
      () => within((tx) => decide(tx, yes(pending.id, people[0]), record), world.a),
      () => within((tx) => decide(tx, no(pending.id, people[1]), record), world.b),
      () => within((tx) => cancel(tx, stop(pending), record), world.a),
      () => within((tx) => consume(tx, taking(approved, replicas[0]), record), world.b),
      () => within((tx) => consume(tx, taking(approved, replicas[1]), record), world.a),
      () => within((tx) => cancel(tx, stop(approved), record), world.b),
      () => within((tx) => sweep(tx, late, record), world.a),
      () =>
        within(
          (tx) =>
            cancelWhere(tx, { kind: 'everything' }, { by: 'x', reason: 'x', now: noon }, record),
          world.b,
        ),
    ]
    const turn = round % acts.length
    await Promise.all([...acts.slice(turn), ...acts.slice(0, turn)].map((act) => act()))
    for (const { id } of [pending, approved]) {
      const path = world.recorded
        .filter((line) => line.endsWith(id))
        .map((line) => line.split(' ')[0] as ApprovalState)
      const [first, ...rest] = path
      assert.equal(first, 'pending')
      let state: ApprovalState = 'pending'
      for (const next of rest) {
        assert.ok(approvalSteps[state].includes(next), path.join(' '))
        state = next
      }
      assert.equal((await readApproval(world.a, id))?.state, state)
      seen.add(path.join(' '))
    }
    await within((tx) => sweep(tx, late, record))
  }
  assert.ok(seen.size > 2, [...seen].join(', '))
})

function stop(approval: Pick<Approval, 'id'>) {
  return { id: approval.id, by: 'x', reason: 'x', now: noon }
}

/** Runs `other` while a transaction that has done `first` is not over; both have ended when it returns. */
async function beside<T>(first: (tx: Tx) => Promise<unknown>, other: () => Promise<T>): Promise<T> {
  const { a } = worldOf()
  const [, result] = await a.transaction().execute(async (tx) => {
    await first(tx)
    const running = other()
    // Until it waits for the first, or has ended without.
    const ended = running.then(
      () => true,
      () => true,
    )
    await until('the other waits or has ended', async () =>
      (await Promise.race([ended, waiting()])) ? true : undefined,
    )
    return [undefined, running.then((value) => ({ value }))] as const
  })
  return (await result).value
}

async function waiting(): Promise<boolean> {
  const { rows } = await sql<{ waits: boolean }>`
    select exists (
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
    ) as waits
  `.execute(worldOf().b)
  return rows[0]?.waits ?? false
}

test('a freeze that meets a request being taken waits for it, and does not call it cancelled', async () => {
  const world = worldOf()
  const approval = await world.approved()
  const stopped = await beside(
    (tx) => consume(tx, taking(approval, world.replicas[0]), world.record),
    () =>
      world.within(
        (tx) =>
          cancelWhere(
            tx,
            { kind: 'agent', id: approval.agentId },
            { by: 'fz', reason: 'frozen', now: noon },
            world.record,
          ),
        world.b,
      ),
  )
  assert.deepEqual(stopped, [])
  assert.equal((await readApproval(world.a, approval.id))?.state, 'sending')
})

test('a request that is parked again while its approval is given, by a clock that is ahead, does not expire it', async () => {
  const world = worldOf()
  const { id } = await world.parked({ execute: 'broker' })
  const again = await beside(
    (tx) => decide(tx, yes(id, world.people[0], noon + 4 * minutes), world.record),
    () => world.park({ execute: 'broker', now: noon + 5 * minutes }, world.b),
  )
  // The broker has until five minutes after the yes.
  assert.ok(again.outcome === 'standing' && again.approval.id === id)
  assert.equal((await readApproval(world.a, id))?.state, 'approved')
})

test('what was parked last stands, also where its transaction had begun before another’s was over', async () => {
  const world = worldOf()
  const { request, document } = world.request()
  const sealed = await sealRequest(world.sealer, document, request)
  const parked = await world.within(async (tx) => {
    await sql`select 1`.execute(tx)
    const { id } = await world.parked({}, world.b)
    await world.within((tx) => cancel(tx, stop({ id }), world.record), world.b)
    const { capabilityId, record } = world
    const later = noon + 20 * minutes
    const input = { ...sealed, capabilityId, execute: 'agent', rule: 'anyone' } as const
    return park(tx, { ...input, now: later }, record)
  })
  assert.equal(parked.outcome, 'parked')
  const asked = { digest: document.requestDigest, agentId: request.agentId }
  assert.equal((await matchApproval(world.a, asked, noon))?.id, document.id)
})

test('a sweep passes over what somebody else is changing', async () => {
  const world = worldOf()
  const sending = await world.approved({ target: '/sending' })
  const [replicaId] = world.replicas
  await world.within((tx) => consume(tx, taking(sending, replicaId), world.record))
  const pending = await world.parked({ target: '/pending' })
  const late = noon + 5 * minutes
  const swept = await world.a.transaction().execute(async (tx) => {
    await renewLease(tx, { id: sending.id, replicaId, leaseUntil: late + minutes })
    await decide(tx, yes(pending.id, world.people[0]), world.record)
    return Promise.race([
      world.within((tx) => sweep(tx, late, world.record), world.b),
      until('the sweep waits', async () => ((await waiting()) ? true : undefined)),
    ])
  })
  assert.deepEqual(swept, [])
})

test('every replica hears of every change, when it is committed', async (t) => {
  const world = worldOf()
  const feed = await openFeed(world.connection)
  t.after(() => feed.close())
  const heard: RevisionScope[] = []
  feed.onChange((scope) => {
    heard.push(scope)
    return Promise.resolve()
  })
  let revision = feed.revision('approval')
  const { within, record, people, replicas } = world
  const [replicaId] = replicas
  async function assertHeard<T>(what: string, work: () => Promise<T>, changes = true): Promise<T> {
    const result = await work()
    await feed.refresh()
    assert.equal(feed.revision('approval') > revision, changes, what)
    revision = feed.revision('approval')
    return result
  }
  const one = await assertHeard('parked', () => world.parked({ target: '/1' }))
  await assertHeard('parked again', () => world.park({ target: '/1' }), false)
  await assertHeard('approved', () => within((tx) => decide(tx, yes(one.id, people[0]), record)))
  const take = () => within((tx) => consume(tx, taking(one, replicaId), record))
  await assertHeard('taken', take)
  await assertHeard('not taken again', take, false)
  await assertHeard('finished', () =>
    within((tx) =>
      finish(
        tx,
        { id: one.id, replicaId, outcome: 'done', standsUntil: noon + 1, now: noon },
        record,
      ),
    ),
  )
  const two = await assertHeard('parked', () => world.parked({ target: '/2' }))
  await assertHeard('cancelled', () => within((tx) => cancel(tx, stop(two), record)))
  await assertHeard('parked', () => world.parked({ target: '/3' }))
  const freeze = () =>
    within((tx) =>
      cancelWhere(tx, { kind: 'everything' }, { by: 'x', reason: 'x', now: noon }, record),
    )
  await assertHeard('frozen', freeze)
  await assertHeard('nothing left to freeze', freeze, false)
  await assertHeard('held', () => world.approved({ execute: 'broker', target: '/4' }))
  const claim = () =>
    within((tx) => claimDue(tx, { replicaId, leaseUntil: noon + minutes, now: noon }, record))
  await assertHeard('claimed', claim)
  await assertHeard('parked', () => world.parked({ target: '/5' }))
  await assertHeard('swept', () => within((tx) => sweep(tx, noon + 9 * minutes, record)))
  await assertHeard(
    'nothing left to sweep',
    () => within((tx) => sweep(tx, noon + 9 * minutes, record)),
    false,
  )
  await assertHeard('parked', () => world.parked({ target: '/6', now: noon + 11 * minutes }))
  assert.ok(heard.every((scope) => scope === 'approval'))
})

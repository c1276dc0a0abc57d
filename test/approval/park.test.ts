import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { defaultLimits, type Parked } from '../../src/approval/park.ts'
import { cancel, cancelWhere, sweep } from '../../src/approval/ending.ts'
import { consume, decide, deniedCoolDownSeconds, finish } from '../../src/approval/step.ts'
import {
  askedBefore,
  listApprovals,
  matchApproval,
  readApproval,
} from '../../src/approval/store.ts'
import { canonicalize } from '../../src/core/canonical.ts'
import { minutes, no, noon, seconds, taking, useWorld, yes } from './parked.ts'

const worldOf = useWorld()

function refusal(parked: Parked): string {
  return parked.outcome === 'refused'
    ? `${parked.why} ${String(parked.count)} until ${parked.until.toISOString()}`
    : parked.outcome
}

test('a parked request is read as it was parked, with the agent’s reason beside the document', async () => {
  const world = worldOf()
  const reason = `\u202eI was told to\0 ${'x'.repeat(600)}\u{1f600}`
  const parked = await world.parked({ reason, operations: ['b\u0000', 'a', 'b\u0000'] })
  const read = await readApproval(world.b, parked.id)
  assert.deepEqual(read, parked)
  assert.equal(parked.state, 'pending')
  assert.equal(parked.requestDigest, parked.document.requestDigest)
  assert.equal(parked.expiresAt.getTime(), noon + 5 * minutes)
  assert.equal(parked.reason?.length, 500)
  assert.match(parked.reason ?? '', /^\u202eI was told to\uFFFD x+$/)
  assert.ok(!canonicalize(parked.document).includes('told'))
  assert.deepEqual(world.recorded, [`pending ${parked.id}`])
  assert.equal(await readApproval(world.a, 'apr_none' as never), undefined)
})

test('a reason of nothing but halves of characters is kept as text', async () => {
  const world = worldOf()
  const { reason } = await world.parked({ reason: '\ud83d'.repeat(2_000) })
  assert.equal(reason, '\uFFFD'.repeat(500))
  const none = await world.parked({ target: '/none' })
  assert.equal(none.reason, null)
})

test('the same request is parked once, by as many as send it at once on two replicas', async () => {
  const world = worldOf()
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, n) => world.park({}, n % 2 === 0 ? world.a : world.b)),
  )
  assert.equal(all.filter(({ outcome }) => outcome === 'parked').length, 1)
  assert.equal(all.filter(({ outcome }) => outcome === 'standing').length, 39)
  const ids = all.map((each) => (each.outcome === 'refused' ? each.why : each.approval.id))
  assert.equal(new Set(ids).size, 1)
  assert.equal((await listApprovals(world.a, { limit: 10, after: '' })).length, 1)
})

test('the database itself keeps two open approvals of one request apart', async () => {
  const world = worldOf()
  const { id } = await world.parked()
  await assert.rejects(
    sql`insert into approval select (jsonb_populate_record(approval, '{"id": "apr_copy"}')).* from approval where id = ${id}`.execute(
      world.a,
    ),
    /approval_one_open/,
  )
})

test('a change is not kept where its entry cannot be written', async () => {
  const world = worldOf()
  const { id } = await world.parked()
  const down = (): Promise<never> => Promise.reject(new Error('the log is down'))
  await assert.rejects(
    world.within((tx) => decide(tx, yes(id, world.people[0]), down)),
    /the log is down/,
  )
  assert.equal((await readApproval(world.a, id))?.state, 'pending')
})

test('what stands for a request is found by its digest and its agent alone', async () => {
  const world = worldOf()
  const parked = await world.parked()
  const other = await world.newAsker()
  const find = (digest: string, agentId = world.asker.agentId, now = noon) =>
    matchApproval(world.b, { digest, agentId }, now)
  assert.deepEqual(await find(parked.requestDigest), parked)
  assert.equal(await find(parked.requestDigest, other.agentId), undefined)
  assert.equal(await find('0'.repeat(64)), undefined)
  // Nobody has swept.
  assert.equal(await find(parked.requestDigest, world.asker.agentId, noon + 5 * minutes), undefined)
  const elsewhere = await world.park({ asker: other })
  assert.equal(elsewhere.outcome, 'parked')
})

test('the newest approval of a request is the one that stands, whatever the clocks of the replicas say', async () => {
  const world = worldOf()
  const first = await world.parked({ now: noon + minutes })
  await world.within((tx) =>
    cancelWhere(
      tx,
      { kind: 'everything' },
      { by: 'freeze', reason: 'freeze', now: noon },
      world.record,
    ),
  )
  const second = await world.parked({ now: noon })
  assert.ok(second.id < first.id)
  const standing = await matchApproval(
    world.a,
    { digest: first.requestDigest, agentId: first.agentId },
    noon,
  )
  assert.equal(standing?.id, second.id)
})

test('a denied request stays denied for the cool-down, and can be asked for after it', async () => {
  const world = worldOf()
  const { id } = await world.parked()
  const denied = await world.within((tx) => decide(tx, no(id, world.people[0]), world.record))
  assert.equal(denied?.state, 'denied')
  assert.equal(denied.deniedBy, world.people[0])
  const until = noon + deniedCoolDownSeconds * seconds
  assert.equal(denied.standsUntil?.getTime(), until)
  const again = await world.park({ now: until - 1 })
  assert.ok(again.outcome === 'standing' && again.approval.state === 'denied')
  assert.equal((await world.park({ now: until })).outcome, 'parked')
})

test('one that a person cancelled stays so for the cool-down; one that a freeze took away does not', async () => {
  const world = worldOf()
  const { id } = await world.parked()
  await world.within((tx) =>
    cancel(tx, { id, by: world.people[0], reason: 'no', now: noon }, world.record),
  )
  const again = await world.park({ now: noon + 9 * minutes })
  assert.ok(again.outcome === 'standing' && again.approval.state === 'cancelled')
  assert.equal(again.approval.cancelledBy, world.people[0])
  assert.equal(again.approval.cancelReason, 'no')

  const other = { target: '/other' }
  await world.parked(other)
  await world.within((tx) =>
    cancelWhere(
      tx,
      { kind: 'everything' },
      { by: 'fz', reason: 'frozen', now: noon },
      world.record,
    ),
  )
  assert.equal((await world.park(other)).outcome, 'parked')
})

test('a sent request answers with its outcome for as long as that stands, and never goes out by itself again', async () => {
  const world = worldOf()
  const approval = await world.approved()
  const [replicaId] = world.replicas
  await world.within((tx) => consume(tx, taking(approval, replicaId), world.record))
  const sending = await world.park({ now: noon + 60 * minutes })
  assert.ok(sending.outcome === 'standing' && sending.approval.state === 'sending')
  const standsUntil = noon + 60 * minutes
  await world.within((tx) =>
    finish(
      tx,
      { id: approval.id, replicaId, outcome: 'done', standsUntil, now: noon },
      world.record,
    ),
  )
  const done = await world.park({ now: standsUntil - 1 })
  assert.ok(done.outcome === 'standing' && done.approval.state === 'done')
  const anew = await world.park({ now: standsUntil })
  assert.ok(anew.outcome === 'parked' && anew.approval.state === 'pending')
})

test('one that ran out unnoticed makes way for the same request, and is recorded as expired', async () => {
  const world = worldOf()
  const first = await world.parked()
  const asker = await world.newAsker()
  const others = await world.parked({ asker })
  world.recorded.pop()
  const second = await world.parked({ now: noon + 5 * minutes })
  assert.equal((await readApproval(world.a, others.id))?.state, 'pending')
  assert.deepEqual(world.recorded, [
    `pending ${first.id}`,
    `expired ${first.id}`,
    `pending ${second.id}`,
  ])
  assert.equal((await readApproval(world.a, first.id))?.state, 'expired')
})

test('an agent has no more than its number waiting, however many it sends at once; another is not held up', async () => {
  const world = worldOf()
  const limits = { ...defaultLimits, pendingPerAgent: 3 }
  const all = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      world.park({ target: `/${String(n)}`, limits }, n % 2 === 0 ? world.a : world.b),
    ),
  )
  assert.equal(all.filter(({ outcome }) => outcome === 'parked').length, 3)
  const refused = all.filter(({ outcome }) => outcome === 'refused')
  assert.equal(refused.length, 21)
  for (const each of refused)
    assert.equal(refusal(each), 'too_many_pending 3 until 2026-05-01T12:05:00.000Z')
  const asker = await world.newAsker()
  assert.equal((await world.park({ asker, limits })).outcome, 'parked')
  // Those that ran out wait no longer, also where nobody has swept.
  const later = await world.park({ target: '/later', now: noon + 5 * minutes, limits })
  assert.equal(later.outcome, 'parked')
})

test('the limit is twenty, and counts what waits for a person: not what was approved', async () => {
  const world = worldOf()
  for (let n = 0; n < 20; n++) await world.parked({ target: `/${String(n)}` })
  assert.equal(
    refusal(await world.park({ target: '/more' })),
    'too_many_pending 20 until 2026-05-01T12:05:00.000Z',
  )
  const [first] = await listApprovals(world.a, { limit: 1, after: '' })
  assert.ok(first)
  await world.within((tx) => decide(tx, yes(first.id, world.people[0]), world.record))
  assert.equal((await world.park({ target: '/more' })).outcome, 'parked')
})

test('after five refusals in a row, by people or by silence, the agent may not ask for ten minutes', async () => {
  const world = worldOf()
  for (let n = 0; n < 3; n++) {
    const { id } = await world.parked({ target: `/denied/${String(n)}` })
    await world.within((tx) => decide(tx, no(id, world.people[0]), world.record))
  }
  await world.parked({ target: '/silence/1' })
  await world.parked({ target: '/silence/2', expirySeconds: 330 })
  assert.equal((await world.park({ target: '/4', now: noon + 5 * minutes })).outcome, 'parked')
  // Swept late: the cool-down counts from when the silence was over.
  await world.within((tx) => sweep(tx, noon + 9 * minutes, world.record))
  const more = { target: '/more' }
  assert.equal(
    refusal(await world.park({ ...more, now: noon + 9 * minutes })),
    'cooling_down 5 until 2026-05-01T12:15:30.000Z',
  )
  const asker = await world.newAsker()
  assert.equal((await world.park({ ...more, asker, now: noon + 9 * minutes })).outcome, 'parked')
})

test('a cool-down ends; the next refusal starts another, and one yes ends the row', async () => {
  const world = worldOf()
  const limits = { ...defaultLimits, refusedInARow: 2 }
  const ask = (n: number, now: number) => world.park({ target: `/${String(n)}`, now, limits })
  const denyAt = async (n: number, now: number): Promise<void> => {
    const { id } = await world.parked({ target: `/${String(n)}`, now, limits })
    await world.within((tx) => decide(tx, no(id, world.people[0], now), world.record))
  }
  await denyAt(1, noon)
  await denyAt(2, noon)
  assert.match(refusal(await ask(3, noon + 10 * minutes - 1)), /^cooling_down 2/)
  await denyAt(3, noon + 10 * minutes)
  assert.match(refusal(await ask(4, noon + 20 * minutes - 1)), /^cooling_down 2/)

  const approved = await world.approved({ target: '/5', now: noon + 20 * minutes, limits })
  assert.equal(approved.state, 'approved')
  await denyAt(6, noon + 20 * minutes + 1)
  assert.equal((await ask(7, noon + 20 * minutes + 2)).outcome, 'parked')
})

test('in a row is in the order in which people answered, not that in which they were asked', async () => {
  const world = worldOf()
  const limits = { ...defaultLimits, refusedInARow: 2 }
  const [first, second, third] = [
    await world.parked({ target: '/1' }),
    await world.parked({ target: '/2' }),
    await world.parked({ target: '/3' }),
  ]
  const answers = [
    yes(second.id, world.people[0], noon + 1),
    no(first.id, world.people[0], noon + 2),
  ]
  for (const answer of [...answers, no(third.id, world.people[0], noon + 3)])
    await world.within((tx) => decide(tx, answer, world.record))
  const next = await world.park({ target: '/4', now: noon + 4, limits })
  assert.match(refusal(next), /^cooling_down 2/)
})

test('neither what was approved and never sent, nor what was cancelled, is a refusal', async () => {
  const world = worldOf()
  const limits = { ...defaultLimits, refusedInARow: 2 }
  const denyAt = async (target: string, now: number): Promise<void> => {
    const { id } = await world.parked({ target, now, limits })
    await world.within((tx) => decide(tx, no(id, world.people[0], now), world.record))
  }
  const approved = await world.approved({ target: '/1', limits })
  const { id } = await world.parked({ target: '/2', limits })
  await world.within((tx) =>
    cancel(tx, { id, by: 'fz', reason: 'frozen', now: noon }, world.record),
  )
  await world.within((tx) => sweep(tx, noon + 5 * minutes, world.record))
  assert.equal((await readApproval(world.a, approved.id))?.state, 'expired')
  await denyAt('/3', noon + 5 * minutes)
  await denyAt('/4', noon + 5 * minutes)
  assert.match(
    refusal(await world.park({ target: '/5', now: noon + 5 * minutes, limits })),
    /^cooling_down 2/,
  )
})

test('how often it was asked before is counted for the request and for its operations, by this agent', async () => {
  const world = worldOf()
  const at = (n: number): number => noon + n * 20 * minutes
  const ask = (n: number, target: string, operations = ['volumeDelete', 'volumeCreate']) =>
    world.parked({ target, operations, now: at(n) })
  const refuse = async (id: Parameters<typeof no>[0], n: number): Promise<void> => {
    await world.within((tx) => decide(tx, no(id, world.people[0], at(n)), world.record))
  }
  const first = await ask(0, '/a')
  await refuse(first.id, 0)
  await ask(1, '/a') // runs out
  await ask(2, '/b', ['volumeCreate', 'volumeDelete', 'volumeDelete'])
  await world.approved({ target: '/c', operations: ['volumeCreate', 'volumeDelete'], now: at(3) })
  await ask(4, '/d', ['volumeDelete'])
  const other = await world.newAsker()
  await world.parked({
    asker: other,
    target: '/a',
    operations: ['volumeDelete', 'volumeCreate'],
    now: at(4),
  })
  const last = await ask(5, '/a')
  assert.deepEqual(await askedBefore(world.b, last.id), {
    request: { asked: 2, refused: 2 },
    operations: { asked: 4, refused: 3 },
  })
  assert.deepEqual(await askedBefore(world.b, first.id), {
    request: { asked: 0, refused: 0 },
    operations: { asked: 0, refused: 0 },
  })
})

test('lists are filtered by state, agent and environment, in pages', async () => {
  const world = worldOf()
  const other = await world.newAsker()
  const first = await world.parked({ target: '/1', now: noon })
  const second = await world.approved({ target: '/2', now: noon + 1 })
  const third = await world.parked({ target: '/3', now: noon + 2, asker: other })
  const list = async (filter: Partial<Parameters<typeof listApprovals>[1]>) =>
    (await listApprovals(world.b, { limit: 10, after: '', ...filter })).map(({ id }) => id)
  assert.deepEqual(await list({}), [first.id, second.id, third.id])
  assert.deepEqual(await list({ limit: 2 }), [first.id, second.id])
  assert.deepEqual(await list({ after: second.id }), [third.id])
  assert.deepEqual(await list({ states: ['pending'] }), [first.id, third.id])
  assert.deepEqual(await list({ states: [] }), [])
  assert.deepEqual(await list({ agentId: other.agentId }), [third.id])
  assert.deepEqual(await list({ environmentIds: [world.environmentId] }), [
    first.id,
    second.id,
    third.id,
  ])
  assert.deepEqual(await list({ environmentIds: [] }), [])
})

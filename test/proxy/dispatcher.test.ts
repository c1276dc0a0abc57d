/** What the broker itself sends once it is approved: over two replicas, each of which would like to. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import {
  addVolume,
  approvalOf,
  gatedGrant,
  idOf,
  openGated,
  ownedBy,
  removal,
  type Gated,
} from '../support/gated.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, type Granted } from '../support/world.ts'

let gated: Gated
before(async () => {
  gated = await openGated(undefined, { terms: { execute: 'broker' } })
})
after(() => (gated as Gated | undefined)?.close())

async function holding(seconds: number, terms: Record<string, unknown> = {}): Promise<Granted> {
  const { broker, approver } = gated
  const granted = await grantOn(
    broker,
    gatedGrant({ approval_terms: { hold_seconds: seconds, ...terms } }),
  )
  await ownedBy(broker, granted, approver)
  return granted
}

test('the broker sends what was approved once, and gives its answer to whoever sends it again', async () => {
  const { broker, other, approver, standIn, there, reached, remove, become } = gated
  const volume = addVolume(standIn.world)
  const asked = await remove(volume)
  assert.match(String(asked.json['detail']), /the broker sends it/)
  const id = idOf(asked)
  await approver.approve(id, other.url)
  await become(id, 'done')
  assert.ok(!there(volume))
  for (const url of [broker.url, other.url, broker.url]) {
    const answer = await remove(volume, { url })
    assert.deepEqual([answer.status, answer.json], [200, { data: { volumeDelete: true } }])
    assert.match(String(answer.headers.get('content-type')), /json/)
  }
  assert.equal(reached(volume), 1)
})

test('a call that is held open is given the answer to what the broker has sent', async () => {
  const { broker, approver, standIn, reached, remove } = gated
  const volume = addVolume(standIn.world)
  const call = remove(volume, { headers: { prefer: 'wait=30' } })
  const id = await until('it is parked', async () => {
    const { items } = await broker.api<{ items: { id: string }[] }>(
      'GET',
      `/v1/approvals?agent=${gated.granted.agentId}&state=pending`,
    )
    return items[0]?.id
  })
  await approver.approve(id)
  const answer = await call
  assert.deepEqual([answer.status, answer.json], [200, { data: { volumeDelete: true } }])
  assert.equal(reached(volume), 1)
})

test('the kept answer is another agent’s business in no way, and goes after an hour', async () => {
  const { broker, approver, standIn, clock, approved, become, remove } = gated
  const volume = addVolume(standIn.world)
  const id = await approved(volume)
  await become(id, 'done')
  const stranger = await grantOn(broker, gatedGrant())
  await ownedBy(broker, stranger, approver)
  const theirs = await railway(broker.url, await stranger.token(), removal(volume))
  assert.equal(theirs.json['code'], 'environment_unresolved')
  clock.ahead += 3_601
  assert.equal((await remove(volume)).json['code'], 'environment_unresolved')
  const { has_answer } = await until('it is swept', async () => {
    const row = await gated.broker.broker.db
      .selectFrom('approval')
      .select((e) => e('sealed_answer', 'is not', null).as('has_answer'))
      .where('id', '=', id as never)
      .executeTakeFirstOrThrow()
    return row.has_answer === true ? undefined : row
  })
  assert.equal(has_answer, false)
})

test('an undo window holds what was approved, until it is over or somebody cancels', async (t) => {
  const { other, approver, standIn, clock, reached, there, state, become } = gated
  const granted = await holding(600)
  const send = async (volume: string) => railway(other.url, await granted.token(), removal(volume))
  const kept = addVolume(standIn.world)
  const lost = addVolume(standIn.world)
  const keptId = idOf(await send(kept))
  const lostId = idOf(await send(lost))
  await approver.approve(keptId)
  await approver.approve(lostId)
  assert.deepEqual([await state(keptId), await state(lostId)], ['held', 'held'])

  await t.test('sending it again says so', async () => {
    const approval = approvalOf(await send(lost))
    assert.deepEqual([approval['id'], approval['state']], [lostId, 'held'])
    const heldUntil = Date.parse(String(approval['held_until'])) - Date.now() - clock.ahead * 1000
    assert.ok(heldUntil > 500_000 && heldUntil <= 600_000)
  })
  clock.ahead += 595
  await t.test('it can be cancelled until the last second', async () => {
    await approver.cancel(keptId, other.url)
    assert.equal((await send(kept)).json['code'], 'approval_denied')
  })
  assert.equal(reached(lost), 0)
  clock.ahead += 6
  await become(lostId, 'done')
  assert.equal(reached(lost), 1)
  assert.deepEqual([there(kept), reached(kept)], [true, 0])
  assert.equal(
    (await approver.browser.send('POST', `/v1/approvals/${lostId}/cancel`, {})).status,
    409,
  )
  assert.equal((await send(lost)).status, 200)
  assert.equal(reached(lost), 1)
})

test('what moved out of the environment while it was held is not sent', async () => {
  const { broker, approver, standIn, clock, reached, read, become } = gated
  const granted = await holding(60)
  const volume = addVolume(standIn.world)
  const id = idOf(await railway(broker.url, await granted.token(), removal(volume)))
  await approver.approve(id)
  moveToProduction(volume)
  clock.ahead += 61
  await become(id, 'cancelled')
  assert.equal(reached(volume), 0)
  assert.match(String((await read(id))['cancel_reason']), /not what it touched/)
})

function moveToProduction(volume: string): void {
  const { world } = gated.standIn
  for (const [id, instance] of world.volumeInstances)
    if (instance.volumeId === volume)
      world.volumeInstances.set(id, { ...instance, environmentId: world.ids.production })
}

/** Delegation as a way around whom a person's yes was for, and who may give it. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { openApprover } from '../support/approver.ts'
import { addHelper, childOf, type Helper } from '../support/delegation.ts'
import {
  addVolume,
  gatedGrant,
  idOf,
  openGated,
  ownedBy,
  removal,
  type Gated,
} from '../support/gated.ts'
import { grantOn, railway, type Answer, type Granted } from '../support/world.ts'

let gated: Gated
before(async () => {
  gated = await openGated(undefined)
})
after(() => (gated as Gated | undefined)?.close())

async function delegated(by: Helper, granted: Granted = gated.granted): Promise<string> {
  return childOf(gated.broker.url, by, await granted.token({ may_act: [by.id] }))
}

const remove = (token: string, volume: string): Promise<Answer> =>
  railway(gated.broker.url, token, removal(volume))

test('what a person allowed one is not the other’s to send, to see or to fetch', async () => {
  const { broker, granted, standIn, approver } = gated
  const b = await addHelper(broker, 'b')
  const c = await addHelper(broker, 'c')
  const tokens = {
    own: await granted.token(),
    b: await delegated(b),
    c: await delegated(c),
  }
  const ids: string[] = []
  for (const asking of ['own', 'b', 'c'] as const) {
    const volume = addVolume(standIn.world)
    const id = idOf(await remove(tokens[asking], volume))
    ids.push(id)
    await approver.approve(id)
    for (const [who, token] of Object.entries(tokens)) {
      if (who === asking) continue
      const answer = await remove(token, volume)
      assert.equal(answer.json['code'], 'approval_required')
      assert.notEqual(idOf(answer), id, `${who} asks for itself`)
      const own = await fetch(`${broker.url}/agent/approvals/${id}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(own.status, 404)
      assert.equal(gated.reached(volume), 0)
    }
    const seen = await fetch(`${broker.url}/agent/approvals/${id}`, {
      headers: { authorization: `Bearer ${tokens[asking]}` },
    })
    assert.equal(seen.status, 200)
    const sent = await remove(tokens[asking], volume)
    assert.equal(sent.status, 200, sent.text)
    assert.equal(gated.reached(volume), 1)
  }
  assert.equal(new Set(ids).size, 3)
})

test('a person reads, and signs, who acts for whom', async () => {
  const { broker, granted, standIn } = gated
  const b = await addHelper(broker, 'sub-agent')
  const id = idOf(await remove(await delegated(b), addVolume(standIn.world)))
  const one = await gated.read(id)
  assert.match(String(one['sentence']), /by agent "sub-agent" on behalf of agent "agent \d+"/)
  const { actors, agent } = one['document'] as Record<string, unknown>
  assert.deepEqual(actors, [{ id: b.id, name: 'sub-agent' }])
  assert.equal((agent as { id: string }).id, granted.agentId)
})

test('neither the owner of who acts nor that of the agent approves where somebody else must', async () => {
  const { broker, standIn } = gated
  const owner = await openApprover(broker, 'owner of the agent')
  const actorOwner = await openApprover(broker, 'owner of the actor')
  const third = await openApprover(broker, 'third')
  const granted = await grantOn(broker, gatedGrant({ approval_terms: { approver: 'not_owner' } }))
  const b = await addHelper(broker, 'of somebody else')
  for (const [id, by] of [
    [granted.agentId, owner],
    [b.id, actorOwner],
  ] as const)
    await broker.broker.db
      .updateTable('agent')
      .set({ owner_id: by.browser.operatorId as never })
      .where('id', '=', id as never)
      .execute()
  await ownedBy(broker, granted, owner, actorOwner, third)
  const token = await delegated(b, granted)
  const volume = addVolume(standIn.world)
  const id = idOf(await remove(token, volume))
  for (const by of [owner, actorOwner]) assert.equal((await by.tryTo('approve', id)).status, 403)
  assert.equal(await gated.state(id), 'pending')
  await third.approve(id)
  assert.equal((await remove(token, volume)).status, 200)
  // Where both of them alone own the environment, there is nobody to wait for among its owners.
  await ownedBy(broker, granted, owner, actorOwner)
  const next = idOf(await remove(token, addVolume(standIn.world)))
  assert.equal((await gated.read(next))['routed_to'], 'every_approver')
})

/** Whoever is not to say yes, and says it with a passkey that is good: nothing of it lets anything through. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { openApprover, type Approver } from '../support/approver.ts'
import { adminPassword as password } from '../support/broker.ts'
import {
  addVolume,
  gatedGrant,
  idOf,
  openGated,
  ownedBy,
  removal,
  type Gated,
} from '../support/gated.ts'
import { grantOn, railway, type Granted } from '../support/world.ts'

let gated: Gated
before(async () => {
  gated = await openGated(undefined)
})
after(() => (gated as Gated | undefined)?.close())

async function asked(granted: Granted = gated.granted) {
  const volume = addVolume(gated.standIn.world)
  const send = async () => railway(gated.other.url, await granted.token(), removal(volume))
  return { volume, send, id: idOf(await send()) }
}

async function nothingCameOfIt({ volume, send, id }: Awaited<ReturnType<typeof asked>>) {
  assert.equal(await gated.state(id), 'pending')
  const again = await send()
  assert.deepEqual([again.json['code'], idOf(again)], ['approval_required', id])
  assert.equal(gated.reached(volume), 0)
}

test('a bearer decides nothing, whoever’s it is', async () => {
  const { approver } = gated
  const one = await asked()
  for (const path of ['options', 'decision']) {
    const { status } = await approver.browser.asCli('POST', `/v1/approvals/${one.id}/${path}`, {
      decision: 'approve',
      ...(path === 'decision' ? { code: '123456' } : {}),
    })
    assert.equal(status, 403)
  }
  await nothingCameOfIt(one)
})

test('an agent’s own capability decides nothing', async () => {
  const { broker, granted } = gated
  const one = await asked()
  const response = await fetch(`${broker.url}/v1/approvals/${one.id}/decision`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await granted.token()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ decision: 'approve', code: '123456' }),
  })
  assert.equal(response.status, 401)
  await nothingCameOfIt(one)
})

test('the owner of the agent does not approve for it where somebody else must', async () => {
  const { broker } = gated
  const owner = await openApprover(broker, 'owner')
  const granted = await grantOn(broker, gatedGrant({ approval_terms: { approver: 'not_owner' } }))
  await broker.broker.db
    .updateTable('agent')
    .set({ owner_id: owner.browser.operatorId as never })
    .where('id', '=', granted.agentId as never)
    .execute()
  const second = await openApprover(broker, 'second')
  await ownedBy(broker, granted, owner, second)
  const one = await asked(granted)
  assert.equal((await owner.tryTo('approve', one.id)).status, 403)
  await nothingCameOfIt(one)
  await second.approve(one.id)
  assert.equal((await one.send()).status, 200)
})

test('one person does not count for two', async () => {
  const { broker } = gated
  const granted = await grantOn(broker, gatedGrant({ approval_terms: { approver: 'two_persons' } }))
  const people = [await openApprover(broker, 'one'), await openApprover(broker, 'two')] as const
  await ownedBy(broker, granted, ...people)
  const one = await asked(granted)
  await people[0].approve(one.id)
  assert.equal((await people[0].tryTo('approve', one.id)).status, 409)
  await nothingCameOfIt(one)
  await people[1].approve(one.id)
  assert.equal((await one.send()).status, 200)
})

for (const [name, takeAway] of [
  [
    // Their sign-ins end with it; this one is taken to have come through at that very moment.
    'demoted',
    async ({ browser }: Approver) => {
      await gated.broker.broker.db
        .updateTable('operator')
        .set({ roles: ['auditor'] })
        .where('id', '=', browser.operatorId as never)
        .execute()
    },
  ],
  [
    'disabled',
    async ({ browser }: Approver) => {
      const path = `/v1/operators/${browser.operatorId}`
      await gated.broker.api('PATCH', path, { state: 'disabled', password })
    },
  ],
] as const)
  test(`an approver who was ${name} while they read decides nothing`, async () => {
    const { broker, granted } = gated
    const person = await openApprover(broker, name)
    await ownedBy(broker, granted, gated.approver, person)
    const one = await asked()
    const answer = await person.tryTo('approve', one.id, undefined, () => takeAway(person))
    assert.equal(answer.status, name === 'demoted' ? 403 : 401, JSON.stringify(answer))
    await nothingCameOfIt(one)
  })

test('a yes that comes too late is none', async () => {
  const { broker, approver, clock, state, reached } = gated
  const granted = await grantOn(broker, gatedGrant())
  await ownedBy(broker, granted, approver)
  const one = await asked(granted)
  const answer = await approver.tryTo('approve', one.id, undefined, () => {
    clock.ahead += 301
    return Promise.resolve()
  })
  assert.equal(answer.status, 409)
  assert.notEqual((await one.send()).status, 200)
  assert.equal(await state(one.id), 'expired')
  assert.equal(reached(one.volume), 0)
})

test('a no is final: no yes comes after it', async () => {
  const { approver, other } = gated
  const second: Approver = await openApprover(gated.broker, 'late')
  await ownedBy(gated.broker, gated.granted, approver, second)
  const one = await asked()
  const answer = await second.tryTo('approve', one.id, other.url, async () => {
    await approver.deny(one.id)
  })
  assert.equal(answer.status, 409)
  assert.equal((await one.send()).json['code'], 'approval_denied')
  assert.equal(gated.reached(one.volume), 0)
})

/**
 * Approved on terms that its admin has since made stricter: what was asked of people then is less than is asked now. It is
 * cancelled, the agent is told why, and can ask again, on the new terms.
 */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
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
import { answerOf, grantOn, railway, type Granted } from '../support/world.ts'

let gated: Gated
before(async () => {
  gated = await openGated(undefined)
})
after(() => (gated as Gated | undefined)?.close())

async function another(terms: Record<string, unknown> = {}) {
  const { broker, approver, standIn } = gated
  const granted = await grantOn(broker, gatedGrant({ approval_terms: terms }))
  await ownedBy(broker, granted, approver)
  const ask = async () => {
    const volume = addVolume(standIn.world)
    const send = async () => railway(broker.url, await granted.token(), removal(volume))
    return { volume, send, id: idOf(await send()) }
  }
  return { granted, ask }
}

async function told(granted: Granted, id: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${gated.broker.url}/agent/approvals/${id}`, {
    headers: { authorization: `Bearer ${await granted.token()}` },
  })
  return (await answerOf(response)).json
}

const changes: readonly [
  what: string,
  of: 'grant' | 'environment',
  stricter: Record<string, unknown>,
  before?: Record<string, unknown>,
][] = [
  ['two persons', 'grant', { approver: 'two_persons' }],
  ['somebody other than the owner', 'environment', { approver: 'not_owner' }],
  ['an undo window', 'grant', { hold_seconds: 60 }],
  ['a longer undo window', 'environment', { hold_seconds: 120 }, { hold_seconds: 60 }],
  ['less time to decide', 'grant', { expiry_seconds: 60 }],
]

for (const [what, of, stricter, before] of changes)
  test(`what was asked before ${what} became the rule is asked again`, async () => {
    const { granted, ask } = await another(before)
    const pending = await ask()
    const approved = await ask()
    await gated.approver.approve(approved.id)
    const id = of === 'grant' ? granted.grantId : granted.environmentId
    await gated.broker.api('PATCH', `/v1/${of}s/${id}`, { approval_terms: stricter, password })
    for (const { id, send, volume } of [pending, approved]) {
      const again = await send()
      await gated.become(id, 'cancelled')
      const { state, cancel_reason } = await told(granted, id)
      assert.equal(state, 'cancelled')
      assert.match(String(cancel_reason), /became stricter .* send it again/)
      const after = again.json['code'] === 'approval_required' ? again : await send()
      assert.equal(after.json['code'], 'approval_required', after.text)
      if (after !== again) assert.notEqual(idOf(after), id)
      assert.equal(gated.reached(volume), 0)
    }
  })

test('terms that ask less leave what waits as it is, on the terms that it was asked on', async () => {
  const { granted, ask } = await another({ approver: 'two_persons' })
  const { id, send, volume } = await ask()
  await gated.approver.approve(id)
  const path = `/v1/grants/${granted.grantId}`
  await gated.broker.api('PATCH', path, { approval_terms: { approver: 'anyone' }, password })
  assert.equal(idOf(await send()), id)
  assert.deepEqual([await gated.state(id), gated.reached(volume)], ['pending', 0])
})

test('a condition that was set after it was approved has to hold, too', async () => {
  const preconditions = [{ name: 'newest_independent_backup', max_age_seconds: 86_400 }]
  const { granted, ask } = await another()
  const { id, send, volume } = await ask()
  await gated.approver.approve(id)
  const held = await another({ hold_seconds: 60 })
  const later = await held.ask()
  await gated.approver.approve(later.id)
  for (const { grantId } of [granted, held.granted])
    await gated.broker.api('PATCH', `/v1/grants/${grantId}`, {
      approval_terms: {
        ...(grantId === granted.grantId ? {} : { hold_seconds: 60 }),
        preconditions,
      },
      password,
    })
  assert.equal((await send()).json['code'], 'precondition_unmet')
  gated.clock.ahead += 61
  await gated.become(later.id, 'cancelled')
  assert.match(String((await told(held.granted, later.id))['cancel_reason']), /a condition/)
  assert.deepEqual([gated.reached(volume), gated.reached(later.volume)], [0, 0])
})

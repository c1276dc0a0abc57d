/** What stops being allowed while it is being minted is not answered, and is ended at the provider. */
import { after, afterEach, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, type TestBroker } from '../support/broker.ts'
import { claimsOf } from '../support/delegation.ts'
import { askLease, openLeaseWorld, type Leasing, type LeaseWorld } from '../support/lease.ts'
import { until } from '../support/until.ts'

let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined)
})
afterEach(() => world.fickle.meddle(undefined))
after(() => world.close())

const password = adminPassword
const acts: Readonly<
  Record<string, (api: TestBroker['api'], leasing: Leasing, token: string) => Promise<unknown>>
> = {
  'its capability is revoked': (api, _, token) =>
    api('POST', `/v1/capabilities/${String(claimsOf(token)['jti'])}/revoke`, {}),
  'its grant is revoked': (api, { grantId }) => api('POST', `/v1/grants/${grantId}/revoke`, {}),
  'its grant hands nothing out any more': (api, { grantId }) =>
    api('PATCH', `/v1/grants/${grantId}`, { hand_out: false }),
  'its environment becomes protected': (api, { environmentId }) =>
    api('PATCH', `/v1/environments/${environmentId}`, { protected: true }),
  'an operator revokes it': async (api, { grantId }) => {
    const { items } = await api<{ items: { id: string }[] }>('GET', `/v1/leases?grant=${grantId}`)
    await api('POST', `/v1/leases/${String(items[0]?.id)}/revoke`, {})
  },
  'everything is frozen': (api) =>
    api('POST', '/v1/freezes', { scope: 'everything', reason: 'test' }),
}

for (const [what, act] of Object.entries(acts)) {
  test(`nothing is answered where ${what} meanwhile`, async () => {
    const { fickle, broker } = world
    const leasing = await world.leasing()
    const token = await leasing.token()
    const known = new Set(fickle.tokens())
    fickle.meddle(async ({ target }) => {
      if (!target.endsWith('/access_tokens')) return undefined
      fickle.meddle(undefined)
      await act((...args) => broker.api(...args), leasing, token)
      return undefined
    })
    const { status, json, text } = await askLease(broker.url, token)
    assert.equal(status, 403, text)
    assert.equal(json['token'], undefined)
    await until('it is ended', () =>
      fickle.tokens().every((each) => known.has(each)) ? true : undefined,
    )
    await until('its row says so', async () => {
      const { items } = await broker.api<{ items: { state: string }[] }>(
        'GET',
        `/v1/leases?state=any&grant=${leasing.grantId}`,
      )
      return items.map(({ state }) => state).join() === 'revoked' ? true : undefined
    })
    if (what !== 'everything is frozen') return
    // While frozen, nothing is minted at all.
    const again = await askLease(broker.url, token)
    assert.deepEqual([again.status, again.json['code']], [403, 'frozen'])
    const freezes = await broker.api<{ items: { id: string }[] }>('GET', '/v1/freezes')
    for (const { id } of freezes.items)
      await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
  })
}

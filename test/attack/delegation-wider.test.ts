/** A capability exchanged for one that may do more, or lives longer, than what it came of, or than the grant is by now. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { rename } from '../support/asking.ts'
import { addHelper, childOf, claimsOf, exchangeFor, holderOf } from '../support/delegation.ts'
import { railwayIds } from '../support/railway-world.ts'
import { entries, openStage, read } from '../support/stage.ts'
import { grantOn, railway } from '../support/world.ts'

test('a child of a capability', async (t) => {
  const clock = { ahead: 0 }
  const { broker, granted, upstream } = await openStage(t, {
    grant: { verbs: ['read', 'volumeCreate', 'environmentRename'], approval: 'never' },
    now: () => Date.now() + clock.ahead * 1000,
  })
  const holder = holderOf(granted)
  const helper = await addHelper(broker, 'helper')
  const password = adminPassword
  const expOf = (token: string): number => Number(claimsOf(token)['exp'])

  for (const [what, by, named] of [
    ['of one’s own', holder, []],
    ['of another’s', helper, [helper.id]],
  ] as const) {
    const parentOf = (details: Record<string, unknown> = {}): Promise<string> =>
      granted.token({ ...details, ...(named.length === 0 ? {} : { may_act: named }) })

    await t.test(
      `${what} has no verb that the parent has not, though the grant has it`,
      async () => {
        const parent = await parentOf({ verbs: ['read'] })
        for (const verbs of [
          ['environmentRename'],
          ['read', 'environmentRename'],
          ['read+secret'],
          ['environment*'],
          ['volumeCreate'],
          ['read+write'],
        ]) {
          const { status, body } = await exchangeFor(broker.url, by, parent, { details: { verbs } })
          assert.deepEqual(
            [status, body['error']],
            [400, 'invalid_authorization_details'],
            verbs.join(),
          )
        }
        const child = await childOf(broker.url, by, parent)
        const sent = upstream.received.length
        assert.equal((await railway(broker.url, child, rename)).json['code'], 'verb_missing')
        assert.equal(upstream.received.length, sent)
        assert.equal((await railway(broker.url, child, read)).status, 200)
      },
    )

    await t.test(`${what} has no verb that the grant has lost meanwhile`, async () => {
      const parent = await parentOf()
      const path = `/v1/grants/${granted.grantId}`
      await broker.api('PATCH', path, { verbs: ['read', 'volumeCreate'], password })
      const child = await childOf(broker.url, by, parent)
      const [details] = claimsOf(child)['authorization_details'] as { verbs: string[] }[]
      assert.deepEqual(details?.verbs, ['read', 'volumeCreate'])
      const asked = { details: { verbs: ['environmentRename'] } }
      assert.equal((await exchangeFor(broker.url, by, parent, asked)).status, 400)
      await broker.api('PATCH', path, {
        verbs: ['read', 'volumeCreate', 'environmentRename'],
        password,
      })
      // What the grant has again, the child has not.
      assert.equal((await railway(broker.url, child, rename)).json['code'], 'verb_missing')
    })

    await t.test(`${what} ends no later than the parent, whatever it asks for`, async () => {
      const parent = await parentOf({ lifetime: 60 })
      for (const details of [{}, { lifetime: 61 }, { lifetime: 900 }])
        assert.ok(expOf(await childOf(broker.url, by, parent, { details })) <= expOf(parent))
      const short = await childOf(broker.url, by, parent, { details: { lifetime: 5 } })
      assert.ok(expOf(short) < expOf(parent) - 50)
      clock.ahead += 30
      assert.ok(expOf(await childOf(broker.url, by, parent)) <= expOf(parent))
      clock.ahead += 31
      const late = await exchangeFor(broker.url, by, parent)
      assert.deepEqual([late.status, late.body['error']], [400, 'invalid_request'])
      clock.ahead = 0
    })

    await t.test(`${what} is for no other grant, provider or environment`, async () => {
      const other = await grantOn(broker, {
        provider: 'railway',
        bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.production }],
        secret: 'rw_live_another',
      })
      const second = await broker.api<{ id: string }>('POST', '/v1/grants', {
        agent: granted.agentId,
        credential: other.credentialId,
        password,
      })
      const parent = await parentOf({ grant: granted.grantId })
      for (const details of [
        { grant: second.id },
        { grant: other.grantId },
        { environment: other.environmentId },
        { provider: 'github' },
      ]) {
        const { status } = await exchangeFor(broker.url, by, parent, { details })
        assert.equal(status, 400, JSON.stringify(details))
      }
      await broker.api('POST', `/v1/grants/${second.id}/revoke`, {})
    })
  }

  await t.test('is not had for a parent that is none, or is not active', async () => {
    const parent = await granted.token()
    const [header = '', payload = ''] = parent.split('.')
    for (const forged of ['x', `${header}.${payload}.AAAA`, parent.toUpperCase()])
      assert.equal((await exchangeFor(broker.url, holder, forged)).body['error'], 'invalid_request')
    for (const path of ['grants', 'environments', 'credentials'] as const) {
      const id = {
        grants: granted.grantId,
        environments: granted.environmentId,
        credentials: granted.credentialId,
      }[path]
      await broker.api('POST', `/v1/${path}/${id}/disable`, {})
      assert.equal((await exchangeFor(broker.url, holder, parent)).status, 400, path)
      await broker.api('POST', `/v1/${path}/${id}/enable`, { password })
    }
    const scope = { scope: 'environment', subject: granted.environmentId, reason: 'a test' }
    const { id } = await broker.api<{ id: string }>('POST', '/v1/freezes', scope)
    assert.equal((await exchangeFor(broker.url, holder, parent)).status, 400)
    await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
    assert.equal((await exchangeFor(broker.url, holder, parent)).status, 200)
    const refusals = (await entries(broker)).filter(
      ({ kind, result }) => kind === 'issuance' && result === 'refused',
    )
    assert.ok(refusals.length > 10, 'each is on record')
  })

  await t.test('is not bound anew to the environment that was bound anew', async () => {
    const parent = await granted.token()
    await broker.api('PUT', `/v1/environments/${granted.environmentId}/bindings`, {
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.production }],
      password,
    })
    assert.equal((await exchangeFor(broker.url, holder, parent)).status, 400)
  })
})

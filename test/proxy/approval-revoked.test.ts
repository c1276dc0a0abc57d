/** What is taken away takes along what was parked, approved or held under it: at once, whichever replica hears of it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword as password } from '../support/broker.ts'
import { addVolume, gatedGrant, idOf, openGated, ownedBy, removal } from '../support/gated.ts'
import { until } from '../support/until.ts'
import { grantOn, railway, type Granted } from '../support/world.ts'

type Act = (granted: Granted, token: string) => Promise<unknown>

test('what is revoked, disabled or frozen stops what waits under it', async (t) => {
  const gated = await openGated(t)
  const { broker, other, approver, standIn, clock, reached, read, state } = gated
  const freeze =
    (scope: string, subject: (granted: Granted) => string | undefined): Act =>
    (granted) => {
      const named = subject(granted)
      return broker.api('POST', '/v1/freezes', {
        scope,
        reason: 'a test',
        ...(named === undefined ? {} : { subject: named }),
      })
    }
  const disable =
    (path: (granted: Granted) => string): Act =>
    (granted) =>
      broker.api('POST', `/v1/${path(granted)}/disable`, {})
  const acts: readonly (readonly [string, Act])[] = [
    [
      'the capability',
      (_, token) => {
        const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
        const { jti } = JSON.parse(claims) as { jti: string }
        return broker.api('POST', `/v1/capabilities/${jti}/revoke`, {})
      },
    ],
    ['the grant', disable(({ grantId }) => `grants/${grantId}`)],
    ['the agent', disable(({ agentId }) => `agents/${agentId}`)],
    ['the credential', disable(({ credentialId }) => `credentials/${credentialId}`)],
    [
      'the version of the credential',
      ({ credentialId }) =>
        broker.api('POST', `/v1/credentials/${credentialId}/versions`, {
          secret: gatedGrant().secret,
          password,
        }),
    ],
    ['the environment', disable(({ environmentId }) => `environments/${environmentId}`)],
    ['a frozen agent', freeze('agent', ({ agentId }) => agentId)],
    ['a frozen environment', freeze('environment', ({ environmentId }) => environmentId)],
    ['a frozen provider', freeze('provider', () => 'railway')],
    ['everything frozen', freeze('everything', () => undefined)],
  ]
  for (const [name, act] of acts)
    await t.test(name, async (t) => {
      for (const { id } of (
        await broker.api<{ items: { id: string; lifted_at: unknown }[] }>('GET', '/v1/freezes')
      ).items.filter(({ lifted_at }) => lifted_at === null))
        await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
      const granted = await grantOn(broker, gatedGrant({ approval_terms: { hold_seconds: 60 } }))
      await ownedBy(broker, granted, approver)
      const token = await granted.token()
      const send = (volume: string, url = broker.url) => railway(url, token, removal(volume))
      const volumes = [1, 2, 3].map(() => addVolume(standIn.world))
      const [pending = '', approved = '', held = ''] = volumes
      const heldId = idOf(await send(held))
      await approver.approve(heldId)
      // Terms that ask less leave it as it is.
      const path = `/v1/grants/${granted.grantId}`
      await broker.api('PATCH', path, { approval_terms: {}, password })
      const pendingId = idOf(await send(pending))
      const approvedId = idOf(await send(approved))
      await approver.approve(approvedId)
      const ids = [pendingId, approvedId, heldId]
      assert.deepEqual(await Promise.all(ids.map(state)), ['pending', 'approved', 'held'])

      await act(granted, token)
      const acted = performance.now()
      await until('all are cancelled', async () =>
        (await Promise.all(ids.map(state))).every((each) => each === 'cancelled')
          ? true
          : undefined,
      )
      t.diagnostic(`after ${String(Math.round(performance.now() - acted))} ms`)
      for (const id of ids) assert.equal((await read(id))['cancelled_by'], 'broker')
      clock.ahead += 61
      for (const volume of volumes)
        for (const url of [broker.url, other.url])
          assert.notEqual((await send(volume, url)).status, 200)
      assert.equal(reached(pending) + reached(approved) + reached(held), 0)
    })
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword as password, openTestBroker } from '../support/broker.ts'
import { addHelper, childOf } from '../support/delegation.ts'
import { openFickleUpstream } from '../support/fickle-upstream.ts'
import { railwayIds } from '../support/railway-world.ts'
import { openSocketProxy } from '../support/socket-proxy.ts'
import { until } from '../support/until.ts'
import { grantOn, railway } from '../support/world.ts'

const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }

function claimsOf(token: string): { readonly jti: string } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    jti: string
  }
}

test('what is taken away at one replica is taken away at the other, at once', async (t) => {
  const upstream = await openFickleUpstream(t)
  const a = await openTestBroker(t, { upstreams: { railway: upstream.origin } })
  if (a.connection.kind !== 'socket') throw new Error('the tests’ cluster listens on a socket')
  const wire = await openSocketProxy(t, a.connection)
  const b = await a.replica(wire.connection)
  const granted = await grantOn(a, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
  })

  const freeze = (scope: string, subject?: string) => async () => {
    const { id } = await a.api<{ id: string }>('POST', '/v1/freezes', {
      scope,
      reason: 'a test',
      ...(subject === undefined ? {} : { subject }),
    })
    return () => a.api('POST', `/v1/freezes/${id}/lift`, { password })
  }
  const disable = (path: string) => async () => {
    await a.api('POST', `${path}/disable`, {})
    return () => a.api('POST', `${path}/enable`, { password })
  }
  const acts: readonly (readonly [string, (token: string) => Promise<() => Promise<unknown>>])[] = [
    ['everything is frozen', freeze('everything')],
    ['the provider is frozen', freeze('provider', 'railway')],
    ['the environment is frozen', freeze('environment', granted.environmentId)],
    ['the agent is frozen', freeze('agent', granted.agentId)],
    ['the grant is disabled', disable(`/v1/grants/${granted.grantId}`)],
    ['the agent is disabled', disable(`/v1/agents/${granted.agentId}`)],
    ['the credential is disabled', disable(`/v1/credentials/${granted.credentialId}`)],
    ['the environment is disabled', disable(`/v1/environments/${granted.environmentId}`)],
    [
      'the capability is revoked',
      async (token) => {
        await a.api('POST', `/v1/capabilities/${claimsOf(token).jti}/revoke`, {})
        return () => Promise.resolve()
      },
    ],
  ]
  const helper = await addHelper(a, 'helper')
  let parent = ''
  const delegated: typeof acts = [
    [
      'what a delegated capability came of is revoked',
      async () => {
        await a.api('POST', `/v1/capabilities/${claimsOf(parent).jti}/revoke`, {})
        return () => Promise.resolve()
      },
    ],
    ['who acts in it is disabled', disable(`/v1/agents/${helper.id}`)],
    ['who acts in it is frozen', freeze('agent', helper.id)],
  ]
  for (const [name, act] of [...acts, ...delegated]) {
    await t.test(name, async (t) => {
      parent = await granted.token({ may_act: [helper.id] })
      const token = delegated.some(([one]) => one === name)
        ? await childOf(a.url, helper, parent)
        : parent
      await until('the other replica allows', async () =>
        (await railway(b.url, token, read)).status === 200 ? true : undefined,
      )
      const undo = await act(token)
      const acted = performance.now()
      // At once in the process where it was done.
      assert.notEqual((await railway(a.url, token, read)).status, 200)
      await until(
        'the other replica refuses',
        async () => {
          const { status } = await railway(b.url, token, read)
          return status === 401 || status === 403 ? true : undefined
        },
        5_000,
      )
      t.diagnostic(`refused by the other after ${String(Math.round(performance.now() - acted))} ms`)
      await undo()
    })
  }

  /** More than the pool has connections, so that all of them are in use. */
  const listAtOnce = () =>
    Promise.all(
      Array.from({ length: 16 }, async () => {
        const headers = { authorization: `Bearer ${a.admin.bearer}` }
        const response = await fetch(`${b.url}/v1/environments`, { headers })
        await response.arrayBuffer()
        return response.status
      }),
    )
  for (const how of ['cut', 'hang'] as const) {
    await t.test(
      `a replica whose connections ${how === 'cut' ? 'are refused' : 'hang'} stops allowing, and hears of what it missed`,
      async (t) => {
        const token = await granted.token()
        await until('it allows', async () =>
          (await railway(b.url, token, read)).status === 200 ? true : undefined,
        )
        await listAtOnce()
        wire[how]()
        const lost = performance.now()
        // Revoked where it cannot hear it.
        await a.api('POST', `/v1/capabilities/${claimsOf(token).jti}/revoke`, {})
        upstream.received.length = 0
        await until(
          'it refuses',
          async () => ((await railway(b.url, token, read)).status === 503 ? true : undefined),
          5_000,
        )
        t.diagnostic(`refused after ${String(Math.round(performance.now() - lost))} ms`)
        assert.deepEqual(upstream.received, [], 'and forwarded nothing: it could record nothing')
        await until('it knows that it cannot hear', async () => {
          const answer = await railway(b.url, token, read)
          assert.equal(answer.status, 503, answer.text)
          assert.equal(answer.json['code'], 'unavailable')
          return /cannot hear/.test(answer.text) ? true : undefined
        })
        // So that every connection of its pools has been tried and found dead.
        await listAtOnce()
        wire.mend()
        const mended = performance.now()
        await until('it hears again, and refuses what was revoked meanwhile', async () => {
          const { status, text } = await railway(b.url, token, read)
          assert.notEqual(status, 200, text)
          return status === 401 ? true : undefined
        })
        const fresh = await granted.token()
        await until('it allows what is allowed', async () =>
          (await railway(b.url, fresh, read)).status === 200 ? true : undefined,
        )
        await until('and answers operators, on every connection it has', async () =>
          (await listAtOnce()).every((status) => status === 200) ? true : undefined,
        )
        t.diagnostic(`whole again after ${String(Math.round(performance.now() - mended))} ms`)
      },
    )
  }
})

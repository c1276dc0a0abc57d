/** What came of a capability works on after that, or anybody who acts in it, was stopped: in a cache, on a replica, in the queue. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import {
  addHelper,
  childOf,
  claimsOf,
  exchangeFor,
  holderOf,
  type Helper,
} from '../support/delegation.ts'
import { openFederated } from '../support/federated.ts'
import { openStage, read } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { railway } from '../support/world.ts'

test('what descends from a capability', async (t) => {
  const { broker, granted, upstream, rule, capability } = await openFederated(t)
  const replica = await broker.replica()
  const password = adminPassword
  const holder = holderOf(granted)
  const b = await addHelper(broker, 'b')
  const c = await addHelper(broker, 'c')
  const stranger = await addHelper(broker, 'stranger')
  const { url } = broker

  async function used(at: string, token: string): Promise<string> {
    const answer = await railway(at, token, read)
    return answer.status === 200 ? 'allowed' : String(answer.json['code'])
  }
  /** The holder's, one narrowed from it, b's, c's and one narrowed from that, each used on both replicas. */
  async function chain(): Promise<readonly [string, string, string, string, string]> {
    const first = await granted.token({ may_act: [b.id, c.id] })
    const narrowed = await childOf(url, holder, first, { details: { may_act: [b.id, c.id] } })
    const forB = await childOf(url, b, narrowed, { details: { may_act: [c.id] } })
    const forC = await childOf(url, c, forB)
    const last = await childOf(url, c, forC, { details: { verbs: ['read'] } })
    const all = [first, narrowed, forB, forC, last] as const
    for (const at of [url, replica.url])
      for (const token of all)
        await until('it is allowed', async () =>
          (await used(at, token)) === 'allowed' ? true : undefined,
        )
    return all
  }
  async function refusedEverywhere(token: string, code: string): Promise<void> {
    const before = upstream.received.length
    assert.equal(await used(url, token), code)
    assert.equal(upstream.received.length, before)
    await until('the other replica refuses it', async () =>
      (await used(replica.url, token)) === code ? true : undefined,
    )
  }
  const post = (path: string, by: Helper, token: string): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: by.id, client_secret: by.key, token }),
    })

  for (const i of [0, 1, 2, 3] as const) {
    await t.test(`is revoked with ancestor ${String(i)}, at once and everywhere`, async () => {
      const tokens = await chain()
      await broker.api('POST', `/v1/capabilities/${String(claimsOf(tokens[i])['jti'])}/revoke`, {})
      for (const token of tokens.slice(i)) await refusedEverywhere(token, 'capability_revoked')
      for (const token of tokens.slice(0, i)) assert.equal(await used(url, token), 'allowed')
      assert.equal((await exchangeFor(url, c, tokens[4])).status, 400, 'nothing comes of it either')
      const { active } = (await (await post('/oauth/introspect', c, tokens[4])).json()) as {
        active: boolean
      }
      assert.equal(active, false)
    })
  }

  await t.test(
    'is revoked by who holds it or held what it came of, and by nobody else',
    async () => {
      for (const by of [holder, b, c]) {
        const [first, , , , last] = await chain()
        assert.equal((await post('/oauth/revoke', stranger, last)).status, 200)
        assert.equal(await used(url, last), 'allowed')
        // What one acts with does not take away what it came of.
        if (by !== holder) await post('/oauth/revoke', by, first)
        assert.equal(await used(url, first), 'allowed')
        assert.equal((await post('/oauth/revoke', by, last)).status, 200)
        await refusedEverywhere(last, 'capability_revoked')
      }
    },
  )

  await t.test('is read by who holds it or held what it came of, and by nobody else', async () => {
    const [first, , forB, , last] = await chain()
    for (const by of [holder, b, c]) {
      const answer = (await (await post('/oauth/introspect', by, last)).json()) as object
      assert.deepEqual(Reflect.get(answer, 'act'), { sub: c.id, act: { sub: b.id } })
    }
    const ofB = (await (await post('/oauth/introspect', holder, forB)).json()) as object
    assert.deepEqual(Reflect.get(ofB, 'may_act'), { sub: c.id })
    for (const [by, token] of [
      [stranger, last],
      [c, forB],
      [b, first],
    ] as const)
      assert.deepEqual(await (await post('/oauth/introspect', by, token)).json(), { active: false })
  })

  for (const [who, agent, stops] of [
    ['b', b, [2, 3, 4]],
    ['c', c, [3, 4]],
    ['the agent itself', holder, [0, 1, 2, 3, 4]],
  ] as const) {
    await t.test(`is refused while ${who} is disabled, or frozen`, async () => {
      const tokens = await chain()
      const check = async (code: string): Promise<void> => {
        for (const [i, token] of tokens.entries()) {
          if ((stops as readonly number[]).includes(i)) await refusedEverywhere(token, code)
          else assert.equal(await used(url, token), 'allowed')
        }
      }
      await broker.api('POST', `/v1/agents/${agent.id}/disable`, {})
      await check('grant_inactive')
      assert.notEqual((await exchangeFor(url, c, tokens[4])).status, 200)
      await broker.api('POST', `/v1/agents/${agent.id}/enable`, { password })
      assert.equal(await used(url, tokens[4]), 'allowed')
      const freeze = { scope: 'agent', subject: agent.id, reason: 'a test' }
      const { id } = await broker.api<{ id: string }>('POST', '/v1/freezes', freeze)
      await check('frozen')
      assert.notEqual((await exchangeFor(url, c, tokens[4])).status, 200)
      await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
    })
  }

  await t.test('of a workload’s is refused with its rule', async () => {
    const { id } = await rule()
    const token = await capability()
    const named = await childOf(url, holder, token, { details: { may_act: [b.id] } })
    const delegated = await childOf(url, b, named)
    assert.equal(await used(url, delegated), 'allowed')
    await broker.api('POST', `/v1/trust-rules/${String(id)}/disable`, {})
    await refusedEverywhere(delegated, 'capability_revoked')
    assert.equal((await exchangeFor(url, b, delegated)).status, 400)
    assert.equal((await exchangeFor(url, undefined, token)).status, 400)
  })

  await t.test('is refused for ever once one who acts was revoked', async () => {
    const tokens = await chain()
    await broker.api('POST', `/v1/agents/${b.id}/revoke`, {})
    for (const token of tokens.slice(2)) await refusedEverywhere(token, 'grant_inactive')
    assert.equal(await used(url, tokens[1]), 'allowed')
  })
})

test('what was asked of a person by one who acts for another', async (t) => {
  const { broker, granted, upstream } = await openStage(t, {
    grant: {
      verbs: ['read'],
      approval: 'always',
      approval_terms: { execute: 'broker', expiry_seconds: 120 },
    },
  })
  const { url } = broker
  const cancelled = async (id: unknown): Promise<unknown> =>
    until('it is stopped', async () => {
      const one = await broker.api('GET', `/v1/approvals/${String(id)}`)
      return one['state'] === 'cancelled' ? one : undefined
    })

  for (const [what, stop] of [
    ['an ancestor', (parent: string) => `capabilities/${String(claimsOf(parent)['jti'])}/revoke`],
    ['who acts', (_: string, by: string) => `agents/${by}/disable`],
  ] as const) {
    await t.test(`ends with ${what}, and only that`, async () => {
      const b = await addHelper(broker, `b of ${what}`)
      const parent = await granted.token({ may_act: [b.id] })
      const child = await childOf(url, b, parent)
      const idOf = async (token: string): Promise<unknown> => {
        const { json } = await railway(url, token, read)
        return (json['approval'] as { id: string }).id
      }
      const id = await idOf(child)
      const own = await idOf(await granted.token())
      assert.notEqual(id, own)
      const before = upstream.received.length
      await broker.api('POST', `/v1/${stop(parent, b.id)}`, {})
      await cancelled(id)
      assert.equal((await broker.api('GET', `/v1/approvals/${String(own)}`))['state'], 'pending')
      assert.equal(upstream.received.length, before)
    })
  }
})

/** What was issued by a rule works on after the rule, or its issuer, was taken away: in a cache, on a replica, in the queue. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { openFederated } from '../support/federated.ts'
import { read } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { railway } from '../support/world.ts'

test('a capability that was issued under a rule', async (t) => {
  const { broker, upstream, issuerId, rule, exchange, capability, granted } = await openFederated(t)
  const replica = await broker.replica()
  const password = adminPassword
  const { id: ruleId } = await rule()

  async function used(url: string, token: string): Promise<string> {
    const answer = await railway(url, token, read)
    return answer.status === 200 ? 'allowed' : String(answer.json['code'])
  }
  async function refusedEverywhere(token: string): Promise<void> {
    const before = upstream.received.length
    assert.equal(await used(broker.url, token), 'capability_revoked')
    assert.equal(upstream.received.length, before)
    await until('the other replica refuses it', async () =>
      (await used(replica.url, token)) === 'capability_revoked' ? true : undefined,
    )
    const own = await fetch(`${broker.url}/v1/access-requests/own`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(own.status, 401, 'at the agents’ other doors too')
  }
  async function warm(): Promise<string> {
    const token = await capability()
    for (const url of [broker.url, replica.url])
      await until('it is allowed', async () =>
        (await used(url, token)) === 'allowed' ? true : undefined,
      )
    return token
  }

  for (const path of [`/v1/trust-rules/${String(ruleId)}`, `/v1/trust-issuers/${issuerId}`]) {
    const what = path.includes('rules') ? 'rule' : 'issuer'
    await t.test(`is refused while its ${what} is disabled, and no new one is issued`, async () => {
      const token = await warm()
      const own = await granted.token()
      await broker.api('POST', `${path}/disable`, {})
      await refusedEverywhere(token)
      assert.equal((await exchange({})).status, 400)
      assert.equal(await used(broker.url, own), 'allowed', 'the agent’s own is another')
      await broker.api('POST', `${path}/enable`, {}, 403)
      await broker.api('POST', `${path}/enable`, { password: 'wrong' }, 403)
      await broker.api('POST', `${path}/enable`, { password })
      assert.equal(await used(broker.url, token), 'allowed')
      assert.equal((await exchange({})).status, 200)
    })
  }

  await t.test('is refused while the agent that it acts as is disabled', async () => {
    const token = await warm()
    await broker.api('POST', `/v1/agents/${granted.agentId}/disable`, {})
    assert.equal(await used(broker.url, token), 'grant_inactive')
    assert.equal((await exchange({})).status, 400)
    await broker.api('POST', `/v1/agents/${granted.agentId}/enable`, { password })
  })

  await t.test('is inactive to who asks, once its rule is disabled', async () => {
    const token = await warm()
    const ask = async (): Promise<unknown> => {
      const form = { client_id: granted.agentId, client_secret: granted.agentKey, token }
      const response = await fetch(`${broker.url}/oauth/introspect`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      return ((await response.json()) as { active: boolean }).active
    }
    assert.equal(await ask(), true)
    await broker.api('POST', `/v1/trust-rules/${String(ruleId)}/disable`, {})
    assert.equal(await ask(), false)
    await broker.api('POST', `/v1/trust-rules/${String(ruleId)}/enable`, { password })
  })

  await t.test(
    'is refused for ever once its rule is revoked, whatever other rule there is',
    async () => {
      const token = await warm()
      await rule()
      await broker.api('POST', `/v1/trust-rules/${String(ruleId)}/revoke`, {})
      await refusedEverywhere(token)
      await broker.api('POST', `/v1/trust-rules/${String(ruleId)}/enable`, { password }, 409)
      await warm()
    },
  )

  await t.test(
    'is refused once its issuer was revoked, even if one of the same URL is trusted anew',
    async () => {
      const token = await warm()
      const { issuer } = await broker.api<{ issuer: string }>(
        'GET',
        `/v1/trust-issuers/${issuerId}`,
      )
      await broker.api('POST', `/v1/trust-issuers/${issuerId}/revoke`, {})
      await broker.api('POST', '/v1/trust-issuers', { issuer, internal: true, password })
      await refusedEverywhere(token)
      assert.equal((await exchange({})).status, 400, 'its rules were the old one’s')
    },
  )
})

test('what a workload asked a person for ends with its rule', async (t) => {
  const { broker, upstream, rule, capability } = await openFederated(t, {
    grant: {
      verbs: ['read'],
      approval: 'always',
      approval_terms: { execute: 'broker', expiry_seconds: 120 },
    },
  })
  const { id: ruleId } = await rule()
  const parked = await railway(broker.url, await capability(), read)
  assert.equal(parked.json['code'], 'approval_required', parked.text)
  const before = upstream.received.length
  await broker.api('POST', `/v1/trust-rules/${String(ruleId)}/disable`, {})
  const approval = await until('it is stopped', async () => {
    const { items } = await broker.api<{ items: { state: string; cancel_reason?: string }[] }>(
      'GET',
      '/v1/approvals?state=cancelled',
    )
    return items[0]
  })
  assert.equal(approval.state, 'cancelled')
  assert.match(JSON.stringify(approval), /the trust rule it was asked under holds no more/)
  assert.equal(upstream.received.length, before)
})

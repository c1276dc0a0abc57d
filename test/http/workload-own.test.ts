/** What a workload may ask about its own capability: it has no key to show, and holds it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFederated } from '../support/federated.ts'
import { entries, read } from '../support/stage.ts'
import { railway } from '../support/world.ts'

type Answer = { readonly status: number; readonly body: Record<string, unknown> }

async function post(url: string, form: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

test('a workload reads and revokes its own capability by holding it, on record', async (t) => {
  const { broker, granted, rule, capability } = await openFederated(t)
  await rule()
  const token = await capability()
  const known = await post(`${broker.url}/oauth/introspect`, { token })
  assert.partialDeepStrictEqual(known, {
    status: 200,
    body: { active: true, sub: granted.agentId },
  })
  assert.equal((await post(`${broker.url}/oauth/revoke`, { token })).status, 200)
  const answer = await railway(broker.url, token, read)
  assert.equal(answer.json['code'], 'capability_revoked', answer.text)
  const revoked = (await entries(broker)).find((entry) => entry['action'] === 'capability.revoke')
  assert.partialDeepStrictEqual(revoked, { actor: { kind: 'workload', id: granted.agentId } })
  // Revoked, it says no more who asks.
  assert.equal((await post(`${broker.url}/oauth/introspect`, { token })).status, 401)
})

test('an agent’s capability is no key: whoever holds a copy of it shows one besides', async (t) => {
  const { broker, granted, rule, capability } = await openFederated(t)
  await rule()
  const token = await granted.token()
  for (const path of ['introspect', 'revoke']) {
    const asked = await post(`${broker.url}/oauth/${path}`, { token })
    assert.partialDeepStrictEqual(asked, { status: 401, body: { error: 'invalid_client' } })
    const wrong = await post(`${broker.url}/oauth/${path}`, {
      token: await capability(),
      client_id: granted.agentId,
      client_secret: 'wrong',
    })
    assert.equal(wrong.status, 401, 'a key that is wrong is not passed over')
  }
  assert.equal((await railway(broker.url, token, read)).status, 200)
})

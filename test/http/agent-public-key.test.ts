/** Public keys of agents over REST: who may register which, what is shown of them, and what the log says. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { assertionOf, newTestKey, withAssertion } from '../support/client-assertion.ts'
import { entries } from '../support/stage.ts'
import { tokenRequest } from '../support/world.ts'

type Created = { agent: { id: string }; key?: string; public_key?: string }
type Key = { id: string; kid: string; algorithm: string; thumbprint: string; jwk: unknown }

test('an agent’s public keys', async (t) => {
  const broker = await openTestBroker(t)
  const api: typeof broker.api = (...asked) => broker.api(...asked)
  const add = (agent: string, jwk: unknown, expected = 201) =>
    api<Key>('POST', `/v1/agents/${agent}/public-keys`, { jwk }, expected)
  const list = async (agent: string) =>
    (await api<{ items: Key[] }>('GET', `/v1/agents/${agent}/public-keys`)).items

  await t.test('an agent that is made with one has no secret that the broker knows', async () => {
    const key = newTestKey('ES256', 'first')
    const created = await api<Created>(
      'POST',
      '/v1/agents',
      { name: 'keyless', public_key: key.publicJwk },
      201,
    )
    assert.equal(created.key, undefined)
    const { id } = created.agent
    const [only] = await list(id)
    assert.equal(only?.id, created.public_key)
    assert.equal(only?.kid, 'first')
    const rows = await broker.broker.db.selectFrom('agent_key').selectAll().execute()
    assert.deepEqual(rows, [])
    // It is known by its signature: what it lacks is a grant.
    const answer = await withAssertion(broker.url, assertionOf(key, id))
    assert.equal(answer.body['error'], 'unauthorized_client')
    const entry = (await entries(broker)).findLast((each) => each['action'] === 'agent.create')
    assert.deepEqual(entry?.['change'], {
      name: 'keyless',
      owner: (entry?.['actor'] as { id: string } | undefined)?.id,
      public_key: only?.id,
      kid: 'first',
      algorithm: 'ES256',
      thumbprint: only?.thumbprint,
    })
  })

  await t.test('an agent is made with its key or not at all', async () => {
    const weak = { ...newTestKey('PS256').publicJwk, e: 'AQ' }
    await api('POST', '/v1/agents', { name: 'weak', public_key: weak }, 400)
    const taken = newTestKey()
    await api('POST', '/v1/agents', { name: 'first of two', public_key: taken.publicJwk }, 201)
    const second = { name: 'second of two', public_key: taken.publicJwk }
    await api('POST', '/v1/agents', second, 409)
    const names = (await api<{ items: { name: string }[] }>('GET', '/v1/agents')).items
    assert.ok(!names.some(({ name }) => name === 'weak' || name === 'second of two'))
  })

  await t.test('the shared key of an agent that signs can be ended', async () => {
    const { agent, key = '' } = await api<Created>('POST', '/v1/agents', { name: 'moving' })
    const signing = newTestKey()
    await add(agent.id, signing.publicJwk)
    const withKey = async () => (await tokenRequest(broker.url, agent.id, key)).body['error']
    assert.equal(await withKey(), 'unauthorized_client')
    await api('POST', `/v1/agents/${agent.id}/keys/end`, {})
    assert.equal(await withKey(), 'invalid_client')
    const answer = await withAssertion(broker.url, assertionOf(signing, agent.id))
    assert.equal(answer.body['error'], 'unauthorized_client')
  })

  await t.test('adding and removing one is on record, with all that is public of it', async () => {
    const { agent } = await api<Created>('POST', '/v1/agents', { name: 'recorded' })
    const key = await add(agent.id, newTestKey('RS256').publicJwk)
    assert.equal(key.algorithm, 'RS256')
    assert.equal(key.kid, key.thumbprint)
    assert.deepEqual(await list(agent.id), [key])
    await api('POST', `/v1/agents/${agent.id}/public-keys/${key.id}/remove`, {})
    assert.deepEqual(await list(agent.id), [])
    const change = {
      public_key: key.id,
      kid: key.kid,
      algorithm: 'RS256',
      thumbprint: key.thumbprint,
    }
    const all = (await entries(broker)).filter((each) => each['subject'] === agent.id)
    for (const action of ['agent.add_public_key', 'agent.remove_public_key'])
      assert.deepEqual(all.find((each) => each['action'] === action)?.['change'], change)
  })

  await t.test('a private key is refused, and is nowhere afterwards', async () => {
    const { agent } = await api<Created>('POST', '/v1/agents', { name: 'careless' })
    const key = newTestKey()
    const jwk = key.privateKey.export({ format: 'jwk' })
    const send = async (path: string, body: unknown): Promise<string> => {
      const response = await fetch(`${broker.url}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${broker.admin.bearer}`,
        },
        body: JSON.stringify(body),
      })
      assert.equal(response.status, 400)
      return response.text()
    }
    const answers = [
      await send(`/v1/agents/${agent.id}/public-keys`, { jwk }),
      await send('/v1/agents', { name: 'careless too', public_key: jwk }),
    ]
    const d = String(jwk.d)
    for (const answer of answers) {
      assert.match(answer, /private key/)
      assert.ok(!answer.includes(d))
    }
    assert.deepEqual(await list(agent.id), [])
    assert.ok(!JSON.stringify(await entries(broker)).includes(d))
  })

  await t.test('there are few, none twice, and no two under one name', async () => {
    const { agent } = await api<Created>('POST', '/v1/agents', { name: 'many' })
    const first = newTestKey('EdDSA', 'one')
    const { thumbprint } = await add(agent.id, first.publicJwk)
    await add(agent.id, { ...first.publicJwk, kid: 'again' }, 409)
    await add(agent.id, newTestKey('EdDSA', 'one').publicJwk, 409)
    await add(agent.id, newTestKey('EdDSA', thumbprint).publicJwk, 409)
    const more = Array.from({ length: 12 }, () =>
      fetch(`${broker.url}/v1/agents/${agent.id}/public-keys`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${broker.admin.bearer}`,
        },
        body: JSON.stringify({ jwk: newTestKey().publicJwk }),
      }),
    )
    const statuses = (await Promise.all(more)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 201).length, 7)
    assert.equal((await list(agent.id)).length, 8)
  })

  await t.test('of an agent that is not there, there are none', async () => {
    const nobody = `ag_${'0'.repeat(26)}`
    await api('GET', `/v1/agents/${nobody}/public-keys`, undefined, 404)
    await add(nobody, newTestKey().publicJwk, 404)
    await api('POST', `/v1/agents/${nobody}/keys/end`, {}, 404)
  })
})

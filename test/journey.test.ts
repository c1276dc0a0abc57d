import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from './support/broker.ts'
import { startRailwayStandIn } from './support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from './support/railway-world.ts'
import { grantOn, railway } from './support/world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const ids = railwayIds

async function worldWithGrant(t: TestContext, grant: Record<string, unknown>) {
  const standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'account', value: secret },
  })
  t.after(() => standIn.close())
  const broker = await openTestBroker(t, { upstreams: { railway: standIn.origin } })
  const granted = await grantOn(broker, {
    provider: 'railway',
    environment: 'pocketos/staging',
    bindings: [{ provider: 'railway', kind: 'environment', id: ids.staging }],
    secret,
    grant,
  })
  standIn.log.length = 0
  return { broker, standIn, granted }
}

const read = { query: `{ environment(id: "${ids.staging}") { id name } }` }

test('a read inside the environment is forwarded with the real token and answered', async (t) => {
  const { broker, standIn, granted } = await worldWithGrant(t, {})
  const answer = await railway(broker.url, await granted.token(), read)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.json, { data: { environment: { id: ids.staging, name: 'staging' } } })
  assert.equal(answer.headers.get('valetkey-decision'), 'allow')
  assert.equal(standIn.log.length, 1)
  const headers = standIn.log[0]?.rawHeaders ?? []
  assert.equal(
    headers[headers.findIndex((name) => name.toLowerCase() === 'authorization') + 1],
    `Bearer ${secret}`,
  )
})

test('the production volume cannot be deleted with a staging grant, and nothing reaches the provider but look-ups', async (t) => {
  const { broker, standIn, granted } = await worldWithGrant(t, {
    verbs: ['read', 'volumeDelete'],
    approval: 'never',
  })
  const token = await granted.token()
  for (const volume of [ids.volumeProduction, ids.volumeShared]) {
    const answer = await railway(broker.url, token, {
      query: `mutation { volumeDelete(volumeId: "${volume}") }`,
    })
    assert.equal(answer.status, 403, answer.text)
    assert.equal(answer.json['code'], 'environment_outside')
    assert.ok(!answer.text.includes(ids.production))
  }
  assert.ok(!standIn.log.some((request) => request.body.includes('volumeDelete')))
  const allowed = await railway(broker.url, token, {
    query: `mutation { volumeDelete(volumeId: "${ids.volumeStaging}") }`,
  })
  assert.equal(allowed.status, 200, allowed.text)
})

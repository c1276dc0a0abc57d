import assert from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { adminPassword, openTestBroker, type TestBroker } from '../support/broker.ts'
import { answerOf, grantOn } from '../support/world.ts'

const acting = 'ghp_acting0000000000000000000000000000'
const looking = 'ghp_looking000000000000000000000000000'

type Seen = { readonly line: string; readonly authorization: string | undefined }

/** GitHub as far as this needs it: it says that a repository is called what it was asked for, and deletes anything. */
async function startGithub(t: TestContext): Promise<{ origin: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = http.createServer((request, response) => {
    const { method = '', url = '', headers } = request
    seen.push({ line: `${method} ${url}`, authorization: headers.authorization })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(method === 'GET' ? { full_name: url.slice('/repos/'.length) } : {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${String(port)}`, seen }
}

async function setUp(t: TestContext) {
  const github = await startGithub(t)
  const broker = await openTestBroker(t, { upstreams: { github: github.origin } })
  const granted = await grantOn(broker, {
    provider: 'github',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app' }],
    secret: acting,
    grant: { verbs: ['issues/delete-label'], approval: 'never' },
  })
  github.seen.length = 0
  return { github, broker, granted }
}

async function addLookupCredential(broker: TestBroker, environment: string, name = 'looker') {
  return broker.api<{ id: string; use: string }>('POST', '/v1/credentials', {
    name,
    provider: 'github',
    environment,
    secret: looking,
    use: 'lookups',
    password: adminPassword,
  })
}

async function deleteLabel(broker: TestBroker, token: string) {
  return answerOf(
    await fetch(`${broker.url}/proxy/github/repos/acme/app/labels/bug`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${token}` },
    }),
  )
}

test('look-ups go out with the credential that was given for them, and requests with their own', async (t) => {
  const { github, broker, granted } = await setUp(t)
  const added = await addLookupCredential(broker, granted.environmentId)
  assert.equal(added.use, 'lookups')
  github.seen.length = 0
  assert.equal((await deleteLabel(broker, await granted.token())).status, 200)
  assert.deepEqual(github.seen, [
    { line: 'GET /repos/acme/app', authorization: `Bearer ${looking}` },
    { line: 'DELETE /repos/acme/app/labels/bug', authorization: `Bearer ${acting}` },
  ])
})

test('without one, the credential that acts asks too', async (t) => {
  const { github, broker, granted } = await setUp(t)
  await deleteLabel(broker, await granted.token())
  assert.deepEqual([...new Set(github.seen.map((one) => one.authorization))], [`Bearer ${acting}`])
})

test('a disabled one fails the look-up instead of seeing less; a revoked one is as if it had never been', async (t) => {
  const { github, broker, granted } = await setUp(t)
  const { id } = await addLookupCredential(broker, granted.environmentId)
  await broker.api('POST', `/v1/credentials/${id}/disable`, {})
  github.seen.length = 0
  const refused = await deleteLabel(broker, await granted.token())
  assert.equal(refused.json['code'], 'environment_unresolved')
  assert.equal(github.seen.length, 0)
  await broker.api('POST', `/v1/credentials/${id}/revoke`, {})
  assert.equal((await deleteLabel(broker, await granted.token())).status, 200)
  assert.deepEqual([...new Set(github.seen.map((one) => one.authorization))], [`Bearer ${acting}`])
})

test('no grant acts with it, and an environment has one for each provider', async (t) => {
  const { broker, granted } = await setUp(t)
  const { id } = await addLookupCredential(broker, granted.environmentId)
  await assert.rejects(
    broker.api('POST', '/v1/grants', {
      agent: granted.agentId,
      credential: id,
      password: adminPassword,
    }),
    /look-ups only/,
  )
  await assert.rejects(
    addLookupCredential(broker, granted.environmentId, 'second looker'),
    /has a credential for look-ups/,
  )
})

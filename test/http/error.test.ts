/** What a refusal says beside its body: an answer to HEAD has none, and clients of some providers read another form of it. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { adminPassword, openTestBroker, type TestBroker } from '../support/broker.ts'

let broker: TestBroker
before(async () => {
  broker = await openTestBroker(undefined)
})
after(() => broker.close())

const codeOf = (answer: Response) => answer.headers.get('valetkey-problem')

test('a refused HEAD says why in a header, as a GET does in its body', async () => {
  const url = `${broker.url}/proxy/github/repos/acme/app`
  const head = await fetch(url, { method: 'HEAD' })
  assert.equal(head.status, 401)
  assert.equal(await head.text(), '')
  assert.equal(codeOf(head), 'capability_missing')
  assert.equal(head.headers.get('content-type'), 'application/problem+json')
  const get = await fetch(url)
  assert.equal(codeOf(get), ((await get.json()) as { code: string }).code)
})

test('so does a refusal in a provider’s own form, and one of the other realms', async () => {
  const form = await fetch(`${broker.url}/proxy/kubernetes/api/v1/pods`)
  const { problem } = (await form.json()) as { problem: { code: string } }
  assert.equal(codeOf(form), problem.code)
  for (const method of ['GET', 'HEAD'])
    assert.equal(codeOf(await fetch(`${broker.url}/nowhere`, { method })), 'not_found')
  assert.equal(codeOf(await fetch(`${broker.url}/v1/grants`)), 'sign_in_required')
})

test('so does the answer to what is no request', async () => {
  const { hostname, port } = new URL(broker.url)
  const socket = net.connect(Number(port), hostname)
  socket.end('GET / HTTP/1.1\r\nbad header\r\n\r\n')
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(socket, 'close')
  assert.match(text, /\r\nvaletkey-problem: invalid_request\r\n/)
})

test('what must be one of a few values is told which, once', async () => {
  const wrong = async (path: string, body: unknown) => {
    const answer = await fetch(`${broker.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    })
    return ((await answer.json()) as { errors: { pointer: string; detail: string }[] }).errors
  }
  const signIn = { name: broker.admin.name, password: adminPassword }
  const bearer = (await broker.api<{ token: string }>('POST', '/v1/sign-in', signIn)).token
  const credential = (mint: object) => ({
    name: 'app',
    provider: 'github',
    environment: 'env_01m7zjbdvea0xc8y8xz2j0yr96',
    secret: 'a secret of some length',
    password: adminPassword,
    mint,
  })
  const app = { kind: 'github_app', app_id: '1', installation_id: '2' }
  assert.deepEqual(
    await wrong(
      '/v1/credentials',
      credential({ ...app, permissions: { contents: 'everything', issues: 'read' } }),
    ),
    [{ pointer: '/mint/permissions/contents', detail: 'must be one of "read", "write"' }],
  )
  assert.deepEqual(await wrong('/v1/credentials', credential({ ...app, kind: 'github-app' })), [
    { pointer: '/mint/kind', detail: 'is none of those that are known here' },
  ])
  // A union of more than literals keeps what each of its parts says.
  const role = await wrong('/v1/operators', { name: 'sam', roles: ['root'], password: 'x' })
  assert.deepEqual(role, [
    { pointer: '/roles/0', detail: 'must be one of "admin", "approver", "auditor"' },
  ])
})

/** What a refusal says beside its body: an answer to HEAD has none, and clients of some providers read another form of it. */
import assert from 'node:assert/strict'
import net from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { openTestBroker, type TestBroker } from '../support/broker.ts'

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

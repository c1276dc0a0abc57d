/** OpenAI's official client, unmodified but for base URL and key, through a whole broker. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import type { ModelStandIn } from '../../support/anthropic-stand-in.ts'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { startOpenaiStandIn } from '../../support/openai-stand-in.ts'
import { grantOn } from '../../support/world.ts'

let broker: TestBroker
let upstream: ModelStandIn
let openai: OpenAI

before(async () => {
  upstream = await startOpenaiStandIn()
  broker = await openTestBroker(undefined, { upstreams: { openai: upstream.origin } })
  const granted = await grantOn(broker, {
    provider: 'openai',
    bindings: [{ provider: 'openai', kind: 'key', id: 'own' }],
    secret: upstream.key,
    grant: {
      verbs: ['read', 'createChatCompletion', 'createResponse', 'createFile'],
      approval: 'never',
    },
  })
  openai = new OpenAI({
    apiKey: await granted.token(),
    organization: null,
    project: null,
    baseURL: `${broker.url}/proxy/openai/v1`,
    maxRetries: 0,
  })
})

after(async () => {
  await broker.close()
  await upstream.close()
})

async function messageOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error.message
    throw error
  }
  throw new Error('it was allowed')
}

test('a response is answered, with the broker’s key in place of the agent’s token', async () => {
  const wish = { model: 'gpt-5', input: 'Say hello.' }
  const response = await openai.responses.create(wish)
  assert.equal(response.output_text, 'Hello there')
  const sent = upstream.requests.at(-1)
  assert.equal(sent?.target, '/v1/responses')
  assert.deepEqual(JSON.parse(String(sent?.body)), wish)
  assert.equal(sent?.headers.authorization, `Bearer ${upstream.key}`)
  assert.equal(sent?.headers['x-stainless-lang'], undefined)
})

test('a stream arrives event by event: its first half before the provider sends the second', async () => {
  const stream = await openai.chat.completions.create({
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Say hello.' }],
    stream: true,
  })
  let text = ''
  for await (const part of stream) {
    text += part.choices[0]?.delta.content ?? ''
    // The stand-in waits for this: held back, the answer would never come to its end.
    if (text === 'Hello') upstream.goOn()
  }
  assert.equal(text, 'Hello there')
})

test('a file is uploaded as the client wrote it', async () => {
  const content = Buffer.from([0, 255, 13, 10, 45, 45, 128])
  await openai.files.create({ file: await toFile(content, 'a.bin'), purpose: 'user_data' })
  const sent = upstream.requests.at(-1)
  assert.match(String(sent?.headers['content-type']), /^multipart\/form-data; boundary=[\w-]+$/)
  assert.ok(sent?.body.includes(content))
})

test('what is not granted is refused in a form that the client can read, and does not leave', async () => {
  const before = upstream.requests.length
  assert.match(await messageOf(openai.files.delete('file-1').then(() => 0)), /deleteFile/)
  const remote = openai.responses.create({
    model: 'gpt-5',
    input: 'x',
    tools: [{ type: 'mcp', server_label: 'x', server_url: 'https://x.example' }],
  })
  assert.match(await messageOf(remote.then(() => 0)), /createResponse\+admin/)
  const other = openai.models.list({ headers: { 'OpenAI-Project': 'proj_2' } })
  assert.match(await messageOf(other.then(() => 0)), /openai-project/)
  assert.equal(upstream.requests.length, before)
})

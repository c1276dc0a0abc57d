/** Anthropic's official client, unmodified but for base URL and key, through a whole broker. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Anthropic, { toFile } from '@anthropic-ai/sdk'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { startAnthropicStandIn, type ModelStandIn } from '../../support/anthropic-stand-in.ts'
import { grantOn } from '../../support/world.ts'

let broker: TestBroker
let upstream: ModelStandIn
let anthropic: Anthropic
let token: string

before(async () => {
  upstream = await startAnthropicStandIn()
  broker = await openTestBroker(undefined, { upstreams: { anthropic: upstream.origin } })
  const granted = await grantOn(broker, {
    provider: 'anthropic',
    bindings: [{ provider: 'anthropic', kind: 'key', id: 'own' }],
    secret: upstream.key,
    grant: { verbs: ['read', 'beta.messages.messages.create', 'files.upload'], approval: 'never' },
  })
  token = await granted.token()
  anthropic = new Anthropic({
    apiKey: token,
    authToken: null,
    baseURL: `${broker.url}/proxy/anthropic`,
    maxRetries: 0,
  })
})

after(async () => {
  await broker.close()
  await upstream.close()
})

const wish = {
  model: 'claude-opus-4-1',
  max_tokens: 16,
  messages: [{ role: 'user', content: 'Say hello.' }],
} satisfies Anthropic.MessageCreateParamsNonStreaming

async function refusalOf(call: Promise<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  try {
    await call
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error
    throw error
  }
  throw new Error('it was allowed')
}

test('a message is answered, with the broker’s key in place of the agent’s token', async () => {
  const message = await anthropic.messages.create(wish)
  assert.deepEqual(message.content, [{ type: 'text', text: 'Hello there' }])
  const sent = upstream.requests.at(-1)
  assert.equal(sent?.target, '/v1/messages')
  assert.deepEqual(JSON.parse(String(sent?.body)), wish)
  assert.equal(sent?.headers['x-api-key'], upstream.key)
  assert.equal(sent?.headers.authorization, undefined)
  assert.match(String(sent?.headers['anthropic-version']), /^20[0-9-]+$/)
  assert.equal(sent?.headers['x-stainless-lang'], undefined)
})

test('the capability is taken as a bearer too, and from one of the two only', async () => {
  const asBearer = new Anthropic({
    apiKey: null,
    authToken: token,
    baseURL: `${broker.url}/proxy/anthropic`,
    maxRetries: 0,
  })
  const { data } = await asBearer.models.list()
  assert.deepEqual(
    data.map(({ id }) => id),
    ['claude-opus-4-1'],
  )
  const both = await fetch(`${broker.url}/proxy/anthropic/v1/models`, {
    headers: { authorization: `Bearer ${token}`, 'x-api-key': token },
  })
  assert.match(await both.text(), /both came/)
})

test('a stream arrives event by event: its first half before the provider sends the second', async () => {
  const stream = anthropic.messages.stream(wish)
  let text = ''
  for await (const event of stream) {
    if (event.type !== 'content_block_delta' || event.delta.type !== 'text_delta') continue
    text += event.delta.text
    // The stand-in waits for this: held back, the answer would never come to its end.
    if (text === 'Hello') upstream.goOn()
  }
  assert.equal(text, 'Hello there')
})

test('a file is uploaded as the client wrote it', async () => {
  const content = Buffer.from([0, 255, 13, 10, 45, 45, 128])
  await anthropic.beta.files.upload({ file: await toFile(content, 'a.bin') })
  const sent = upstream.requests.at(-1)
  assert.match(String(sent?.headers['content-type']), /^multipart\/form-data; boundary=[\w-]+$/)
  assert.ok(sent?.body.includes(content))
})

test('what is not granted is refused in a form that the client can read, and does not leave', async () => {
  const before = upstream.requests.length
  const batch = await refusalOf(anthropic.messages.batches.create({ requests: [] }))
  assert.equal(batch.status, 403)
  assert.match(batch.apiMessage ?? '', /beta\.messages\.batches\.create/)
  const servers = [{ type: 'url', name: 'x', url: 'https://x.example' } as const]
  const remote = anthropic.beta.messages.create({ ...wish, mcp_servers: servers })
  assert.match((await refusalOf(remote)).message, /beta\.messages\.messages\.create\+admin/)
  assert.equal(upstream.requests.length, before)
})

/**
 * OpenAI's official client, unmodified but for base URL and key, through a whole broker, over OpenAI's own description:
 * what reaches OpenAI is the operation that the method is named for, and holds against what OpenAI says of it. (Prism
 * does not stream: what arrives event by event is in `client.test.ts`.)
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import OpenAI, { toFile } from 'openai'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import {
  startDescribedUpstream,
  type Arrived,
  type DescribedUpstream,
} from '../../support/described-upstream.ts'
import { grantOn } from '../../support/world.ts'

const url = new URL('../../../../shared/specs/openai-openapi.json', import.meta.url)
const skip = existsSync(url) ? false : 'OpenAI’s description is not here'

const secret = 'sk-proj-Stand1nStand1nStand1nStand1nStand1n'

const paths = [
  '/chat/completions',
  '/embeddings',
  '/files',
  '/files/{file_id}',
  '/models',
  '/models/{model}',
  '/moderations',
  '/responses',
  '/responses/{response_id}',
]

describe('openai over OpenAI’s description', { skip }, () => {
  let upstream: DescribedUpstream
  let broker: TestBroker
  let openai: OpenAI

  before(async () => {
    upstream = await startDescribedUpstream({
      description: JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>,
      paths,
      prefix: '/v1',
      token: secret,
    })
    broker = await openTestBroker(undefined, { upstreams: { openai: upstream.origin } })
    const granted = await grantOn(broker, {
      provider: 'openai',
      bindings: [{ provider: 'openai', kind: 'key', id: 'own' }],
      secret,
      grant: { verbs: ['read', 'write', 'createFile'], approval: 'never' },
    })
    openai = new OpenAI({
      apiKey: await granted.token(),
      organization: null,
      project: null,
      baseURL: `${broker.url}/proxy/openai/v1`,
      maxRetries: 0,
    })
    // What a credential reaches is asked when it is stored.
    assert.deepEqual(
      upstream.take().map(({ operation }) => operation),
      ['listModels'],
    )
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  /** What reached OpenAI of one call. */
  async function sent(call: Promise<unknown>): Promise<Arrived> {
    await call
    const [arrived, ...more] = upstream.take()
    assert.ok(arrived !== undefined && more.length === 0)
    return arrived
  }

  test('what is asked of a model arrives as it was meant', async () => {
    const chat: OpenAI.ChatCompletionCreateParamsNonStreaming = {
      model: 'gpt-5',
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Größe 🚗' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
      ],
      temperature: 0.2,
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      response_format: { type: 'json_object' },
    }
    assert.deepEqual(await sent(openai.chat.completions.create(chat)), {
      operation: 'createChatCompletion',
      path: '/v1/chat/completions',
      body: chat,
    })
    const response: OpenAI.Responses.ResponseCreateParamsNonStreaming = {
      model: 'gpt-5',
      input: [{ role: 'user', content: 'Why?' }],
      reasoning: { effort: 'low' },
      metadata: { order: '7' },
    }
    assert.deepEqual(await sent(openai.responses.create(response)), {
      operation: 'createResponse',
      path: '/v1/responses',
      body: response,
    })
    const embedding = { model: 'text-embedding-3-small', input: ['a', 'b'] }
    assert.deepEqual(
      await sent(openai.embeddings.create({ ...embedding, encoding_format: 'float' })),
      {
        operation: 'createEmbedding',
        path: '/v1/embeddings',
        body: { ...embedding, encoding_format: 'float' },
      },
    )
    assert.deepEqual(await sent(openai.moderations.create({ input: 'x' })), {
      operation: 'createModeration',
      path: '/v1/moderations',
      body: { input: 'x' },
    })
  })

  test('the answer is what the description says of it, for the client to read', async () => {
    const chat = await openai.chat.completions.create({
      model: 'gpt-5',
      messages: [{ role: 'user', content: 'Why?' }],
    })
    assert.equal(chat.choices[0]?.message.role, 'assistant')
    const response = await openai.responses.create({ model: 'gpt-5', input: 'Why?' })
    assert.notEqual(response.output_text, '')
  })

  test('models and files are read under their own names, colons and brackets too', async () => {
    const tuned = 'ft:gpt-4o:acme:suffix:abc123'
    assert.deepEqual(await sent(openai.models.retrieve(tuned)), {
      operation: 'retrieveModel',
      path: `/v1/models/${tuned}`,
    })
    assert.deepEqual(await sent(openai.models.list()), {
      operation: 'listModels',
      path: '/v1/models',
    })
    const filter = { purpose: 'user_data', limit: 2, order: 'asc' } as const
    assert.deepEqual(await sent(openai.files.list(filter)), {
      operation: 'listFiles',
      path: '/v1/files',
      query: { ...filter, limit: '2' },
    })
    const include = ['file_search_call.results'] as const
    assert.deepEqual(await sent(openai.responses.retrieve('resp_1', { include: [...include] })), {
      operation: 'getResponse',
      path: '/v1/responses/resp_1',
      query: { 'include[]': 'file_search_call.results' },
    })
  })

  test('a file is uploaded in the parts that the description asks for', async () => {
    const file = await toFile(Buffer.from('{"a":1}\n'), 'a.jsonl')
    const { operation, path, body } = await sent(
      openai.files.create({ file, purpose: 'user_data' }),
    )
    assert.deepEqual([operation, path], ['createFile', '/v1/files'])
    assert.match(String(body), /name="file"; filename="a\.jsonl"[^]*\{"a":1\}\n/)
    assert.match(String(body), /name="purpose"\r\n\r\nuser_data\r\n/)
  })

  test('what is not granted is refused before it leaves', async () => {
    await assert.rejects(openai.files.delete('file-1'), /deleteFile/)
    await assert.rejects(openai.models.delete('ft:gpt-4o:acme:suffix:abc123'), /deleteModel/)
    assert.deepEqual(upstream.take(), [])
  })
})

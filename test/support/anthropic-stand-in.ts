/**
 * Anthropic, as far as the tests need it: a server on loopback that answers messages, at once or event by event, and
 * files, and records every request that reached it.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type ModelRequest = {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export type ModelStandIn = {
  readonly origin: string
  readonly key: string
  readonly requests: readonly ModelRequest[]
  /** Lets the rest of a stream go, which waits after its first half. */
  readonly goOn: () => void
  close(): Promise<void>
}

export type Answer = (
  request: ModelRequest,
  response: ServerResponse,
  /** Resolves when the test lets a stream go on. */
  waved: Promise<void>,
) => Promise<void> | void

/** A server that knows one key, which `keyOf` reads from the headers. */
export async function startModelStandIn(
  key: string,
  keyOf: (headers: ModelRequest['headers']) => string | string[] | undefined,
  answer: Answer,
): Promise<ModelStandIn> {
  const requests: ModelRequest[] = []
  const wave = Promise.withResolvers<void>()
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, target: url, headers, body: Buffer.concat(chunks) }
      requests.push(request)
      if (keyOf(headers) !== key) sendJson(response, { error: { message: 'no such key' } }, 401)
      else void answer(request, response, wave.promise)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    key,
    requests,
    goOn: () => wave.resolve(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function sendJson(response: ServerResponse, json: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(json))
}

/** `pause`: how many events go before the stream waits. */
export async function sendEvents(
  response: ServerResponse,
  events: readonly string[],
  pause: number,
  waved: Promise<void>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  for (const [i, event] of events.entries()) {
    if (i === pause) await waved
    response.write(event)
  }
  response.end()
}

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-1',
  content: [{ type: 'text', text: 'Hello there' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
}

const events: readonly (readonly [string, unknown])[] = [
  ['message_start', { message: { ...message, content: [] } }],
  ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }],
  ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello' } }],
  ['content_block_delta', { index: 0, delta: { type: 'text_delta', text: ' there' } }],
  ['content_block_stop', { index: 0 }],
  ['message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } }],
  ['message_stop', {}],
]

export function startAnthropicStandIn(): Promise<ModelStandIn> {
  return startModelStandIn(
    'sk-ant-api03-Stand1nStand1nStand1nStand1n',
    (headers) => headers['x-api-key'],
    ({ method, target, body }, response, waved) => {
      const [path = ''] = target.split('?')
      switch (`${method} ${path}`) {
        case 'GET /v1/models':
          return sendJson(response, { data: [{ id: 'claude-opus-4-1', type: 'model' }] })
        case 'POST /v1/files':
          return sendJson(response, { id: 'file_1', type: 'file', size_bytes: body.length })
        case 'POST /v1/messages': {
          const wish = JSON.parse(body.toString()) as { stream?: boolean }
          if (wish.stream !== true) return sendJson(response, message)
          const lines = events.map(
            ([type, data]) =>
              `event: ${type}\ndata: ${JSON.stringify({ type, ...(data as object) })}\n\n`,
          )
          return sendEvents(response, lines, 3, waved)
        }
        default:
          return sendJson(response, { type: 'error', error: { message: 'no such route' } }, 404)
      }
    },
  )
}

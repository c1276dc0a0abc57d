/**
 * OpenAI, as far as the tests need it: a server on loopback that answers chats and responses, at once or event by event,
 * and files, and records every request that reached it.
 */
import { sendEvents, sendJson, startModelStandIn, type ModelStandIn } from './anthropic-stand-in.ts'

const chunk = (content: string, last = false) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-5',
  choices: [{ index: 0, delta: { content }, finish_reason: last ? 'stop' : null }],
})

export function startOpenaiStandIn(): Promise<ModelStandIn> {
  return startModelStandIn(
    'sk-proj-Stand1nStand1nStand1nStand1nStand1n',
    (headers) => String(headers.authorization).replace(/^Bearer /, ''),
    ({ method, target, body }, response, waved) => {
      const [path = ''] = target.split('?')
      switch (`${method} ${path}`) {
        case 'GET /v1/models':
          return sendJson(response, { object: 'list', data: [{ id: 'gpt-5', object: 'model' }] })
        case 'POST /v1/files':
          return sendJson(response, { id: 'file-1', object: 'file', bytes: body.length })
        case 'POST /v1/responses':
          return sendJson(response, {
            id: 'resp_1',
            object: 'response',
            output: [
              {
                type: 'message',
                role: 'assistant',
                content: [{ type: 'output_text', text: 'Hello there', annotations: [] }],
              },
            ],
          })
        case 'POST /v1/chat/completions': {
          const chunks = [chunk('Hello'), chunk(' there'), chunk('', true)]
          const lines = chunks.map((one) => `data: ${JSON.stringify(one)}\n\n`)
          return sendEvents(response, [...lines, 'data: [DONE]\n\n'], 1, waved)
        }
        default:
          return sendJson(response, { error: { message: 'no such route' } }, 404)
      }
    },
  )
}

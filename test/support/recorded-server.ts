/** A server on loopback that writes down every request before it answers it. What it answers is its caller's. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Recorded = {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export type Answered = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Undefined for no body at all. */
  readonly json: unknown
}

export type RecordedServer = {
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** What was wrong with what arrived, one sentence each. */
  readonly violations: string[]
  /** What arrived since it was last asked, in order. Fails the test where anything was wrong with it. */
  take(): readonly Recorded[]
  close(): Promise<void>
}

/** `answer` is told what to say of a request that it should never have got: `violation` writes it down. */
export async function startRecordedServer(
  answer: (request: Recorded, violation: (text: string) => void) => Promise<Answered>,
): Promise<RecordedServer> {
  const requests: Recorded[] = []
  const violations: string[] = []

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = incoming
    const request = { method, target: url, headers, body: Buffer.concat(chunks) }
    requests.push(request)
    const violation = (text: string): void => {
      violations.push(`${method} ${url}: ${text}`)
    }
    const answered = await answer(request, violation).catch((error: unknown): Answered => {
      violation(`it could not be answered: ${String(error)}`)
      return { status: 500, headers: {}, json: {} }
    })
    const body = answered.json === undefined ? '' : JSON.stringify(answered.json)
    response.writeHead(answered.status, {
      ...(answered.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...answered.headers,
    })
    response.end(body)
  }

  // Whoever asked may have gone away in the middle of a body: there is nobody to answer then.
  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    violations,
    take() {
      assert.deepEqual(violations.splice(0), [])
      return requests.splice(0)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

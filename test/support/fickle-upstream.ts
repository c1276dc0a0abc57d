/** A provider on loopback whose behaviour can be changed from one request to the next. It answers at first. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type Behaviour = (response: ServerResponse, request: IncomingMessage) => void

export type FickleUpstream = {
  readonly origin: string
  /** The bodies of the requests so far. */
  readonly received: string[]
  behave(behaviour: Behaviour): void
  /** Stops listening and breaks every connection, or listens again at the same port. */
  down(): Promise<void>
  up(): Promise<void>
}

export const answers: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"ok":true}}')
}

export async function openFickleUpstream(t: TestContext): Promise<FickleUpstream> {
  const received: string[] = []
  let behaviour = answers
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push(Buffer.concat(chunks).toString())
      behaviour(response, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const down = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  t.after(down)
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    received,
    behave: (next) => void (behaviour = next),
    down,
    async up() {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
  }
}

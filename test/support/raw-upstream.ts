/** A provider on loopback that answers with exactly the bytes it is told to, and counts what it received. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export type RawUpstream = {
  readonly origin: string
  /** Every request so far, as it came; bodies are not told apart. */
  readonly received: string[]
  readonly connections: () => number
}

/** `answer` is called with each piece that arrives, and what came before on the same connection is counted in `nth`. */
export async function openRawUpstream(
  t: TestContext,
  answer: (socket: Socket, nth: number, connection: number) => void,
): Promise<RawUpstream> {
  const received: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    const connection = ++connections
    let nth = 0
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      received.push(chunk.toString('latin1'))
      answer(socket, ++nth, connection)
    })
  }).listen(0, '127.0.0.1')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, received, connections: () => connections }
}

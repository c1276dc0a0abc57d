/**
 * A provider's stand-in on a bare socket: it records each request byte by byte, also what is not one, and can answer with
 * any bytes at all, which no HTTP server would let it do.
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readChunked, readHeader, type Header } from './wire.ts'

export type Received = {
  readonly method: string
  readonly target: string
  readonly line: string
  readonly headers: readonly Header[]
  readonly body: Buffer
  /** The request as it came. */
  readonly raw: Buffer
}

export type Reply = {
  /** Bytes, and pauses in milliseconds. */
  readonly pieces: readonly (Buffer | number)[]
  /** What becomes of the connection after them. */
  readonly after: 'keep' | 'end' | 'reset'
}

export type Respond = (request: Received) => Reply | Promise<Reply>

export type Upstream = {
  readonly origin: string
  /** `127.0.0.1:<port>`. */
  readonly host: string
  /** In the order of arrival. */
  readonly received: Received[]
  /** Bytes that were no request. */
  readonly strays: Buffer[]
  /** Answers the next request, instead of the world. */
  next: Respond | undefined
  /** Requests that are received and never answered. */
  ignored: ((request: Received) => boolean) | undefined
  /** Stops listening and drops what is connected; connecting is refused from then on. */
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

export async function startUpstream(respond: Respond): Promise<Upstream> {
  const received: Received[] = []
  const strays: Buffer[] = []
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => serve(socket))
  let port = 0

  function serve(socket: net.Socket): void {
    let buffer: Buffer = Buffer.alloc(0)
    let answering = Promise.resolve()
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      if (buffer.length > 0) strays.push(buffer)
    })
    socket.on('data', (chunk: Buffer) => {
      buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
      for (;;) {
        const read = readRequest(buffer)
        if (read === undefined) return
        buffer = buffer.subarray(read.raw.length)
        received.push(read)
        answering = answering.then(() => answer(socket, read))
      }
    })
  }

  async function answer(socket: net.Socket, request: Received): Promise<void> {
    if (upstream.ignored?.(request) === true) return
    const scripted = upstream.next
    upstream.next = undefined
    const reply = await (scripted ?? respond)(request)
    for (const piece of reply.pieces) {
      if (typeof piece === 'number') await sleep(piece)
      else if (!socket.destroyed) socket.write(piece)
    }
    if (reply.after === 'end') socket.end()
    if (reply.after === 'reset') {
      // The bytes must be on their way before the reset overtakes them.
      await sleep(20)
      socket.resetAndDestroy()
    }
  }

  function up(): Promise<void> {
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as net.AddressInfo).port
        resolve()
      })
    })
  }
  function down(): Promise<void> {
    return new Promise((resolve) => {
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  }

  await up()
  const host = `127.0.0.1:${String(port)}`
  const upstream: Upstream = {
    origin: `http://${host}`,
    host,
    received,
    strays,
    next: undefined,
    ignored: undefined,
    down,
    up,
    close: down,
  }
  return upstream
}

/** The request at the start of the bytes; undefined while there is none. */
function readRequest(bytes: Buffer): Received | undefined {
  const blank = bytes.indexOf('\r\n\r\n', 0, 'latin1')
  if (blank === -1) return undefined
  const [line = '', ...fields] = bytes.subarray(0, blank).toString('latin1').split('\r\n')
  const match = /^([!-~]+) ([!-~]+) HTTP\/1\.1$/.exec(line)
  if (match === null) return undefined
  const headers = fields.map(readHeader)
  const named = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1]
  const from = blank + 4
  let end = from + Number(named('content-length') ?? 0)
  let body = bytes.subarray(from, end)
  if (named('transfer-encoding') !== undefined) {
    const chunked = readChunked(bytes, from)
    if (chunked === undefined) return undefined
    ;({ end, body } = chunked)
  }
  if (end > bytes.length) return undefined
  const [, method = '', target = ''] = match
  return { method, target, line, headers, body, raw: bytes.subarray(0, end) }
}

export function jsonReply(value: unknown): Reply {
  return reply(200, [['content-type', 'application/json']], Buffer.from(JSON.stringify(value)))
}

/** A well-formed answer. */
export function reply(status: number, headers: readonly Header[], body: Buffer): Reply {
  const lines = [
    `HTTP/1.1 ${String(status)} Whatever`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${String(body.length)}`,
  ]
  return { pieces: [Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body], after: 'keep' }
}

/** Somewhere nobody should ever connect to. */
export async function startAttacker(): Promise<{
  readonly host: string
  readonly connections: () => number
  close(): Promise<void>
}> {
  let connections = 0
  const server = net.createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  return {
    host: `127.0.0.1:${String(port)}`,
    connections: () => connections,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}

/**
 * HTTP/1.1 over a bare socket, the agent's side: every byte is sent as the case has it, because an ordinary client would
 * tidy up exactly what is tested, and every byte that comes back is kept.
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Header = readonly [name: string, value: string]

export type Answer = {
  readonly status: number
  readonly reason: string
  readonly headers: readonly Header[]
  /** After the transfer coding, before any content coding. */
  readonly body: Buffer
  readonly trailers: readonly Header[]
  /** False where the connection ended in the middle of it. */
  readonly whole: boolean
}

export type Exchange = {
  /** Everything that came back, as it came. */
  readonly bytes: Buffer
  /** Final answers, in order. */
  readonly answers: readonly Answer[]
  /** Interim answers (1xx). */
  readonly interim: readonly Answer[]
  /** Bytes after the last answer that are not one. */
  readonly rest: Buffer
  readonly closed: boolean
  /** From the first byte sent to the end of the last answer. */
  readonly milliseconds: number
}

export type SendOptions = {
  /** Ends as soon as this many final answers are whole. Otherwise at the close, or after `idle`. */
  readonly answers?: number
  /** Milliseconds without a byte after which nothing more is expected. */
  readonly idle: number
  readonly halfClose?: boolean
  /** The answer to a HEAD has a length and no body. */
  readonly head?: boolean
}

/** Sends pieces, pausing where one is a number of milliseconds. */
export function send(
  port: number,
  pieces: readonly (Buffer | number)[],
  options: SendOptions,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const started = performance.now()
    const chunks: Buffer[] = []
    let last = started
    let closed = false
    let done = false
    let timer: NodeJS.Timeout | undefined
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setNoDelay(true)

    const finish = (): void => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.destroy()
      const bytes = Buffer.concat(chunks)
      resolve({
        bytes,
        ...readAnswers(bytes, closed, options.head === true),
        closed,
        milliseconds: last - started,
      })
    }
    const wait = (): void => {
      clearTimeout(timer)
      timer = setTimeout(finish, options.idle)
    }
    socket.on('data', (chunk: Buffer) => {
      last = performance.now()
      chunks.push(chunk)
      wait()
      if (options.answers === undefined) return
      const { answers } = readAnswers(Buffer.concat(chunks), false, options.head === true)
      if (answers.length >= options.answers) finish()
    })
    socket.on('end', () => {
      closed = true
      finish()
    })
    // A reset is one way of refusing; what had come by then counts.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      closed = true
      finish()
    })
    void (async () => {
      for (const piece of pieces) {
        if (typeof piece === 'number') await sleep(piece)
        else if (!done && !socket.write(piece)) {
          await new Promise<void>((drained) => {
            socket.once('drain', drained)
            socket.once('close', () => drained())
          })
        }
      }
      if (options.halfClose === true && !done) socket.end()
      if (!done) wait()
    })()
  })
}

type Read = {
  readonly answers: readonly Answer[]
  readonly interim: readonly Answer[]
  readonly rest: Buffer
}

/** All answers in a stretch of bytes. `ended`: nothing follows, so that an unfinished one is all there will be of it. */
export function readAnswers(bytes: Buffer, ended: boolean, head: boolean): Read {
  const answers: Answer[] = []
  const interim: Answer[] = []
  let at = 0
  while (at < bytes.length) {
    const read = readAnswer(bytes, at, ended, head)
    if (read === undefined) break
    if (read.answer.status < 200) interim.push(read.answer)
    else answers.push(read.answer)
    at = read.end
  }
  return { answers, interim, rest: bytes.subarray(at) }
}

function readAnswer(
  bytes: Buffer,
  at: number,
  ended: boolean,
  head: boolean,
): { answer: Answer; end: number } | undefined {
  const blank = bytes.indexOf('\r\n\r\n', at, 'latin1')
  if (blank === -1) return undefined
  const lines = bytes.subarray(at, blank).toString('latin1').split('\r\n')
  const start = /^HTTP\/1\.[01] ([0-9]{3})(?: (.*))?$/.exec(lines[0] ?? '')
  if (start === null) return undefined
  const headers = lines.slice(1).map(readHeader)
  const status = Number(start[1])
  const answer = { status, reason: start[2] ?? '', headers }
  const from = blank + 4
  const none = { ...answer, body: Buffer.alloc(0), trailers: [], whole: true }
  if (status < 200 || status === 204 || status === 304 || head) return { answer: none, end: from }
  const coding = headerOf(answer, 'transfer-encoding')
  if (coding !== undefined) {
    const chunked = readChunked(bytes, from)
    if (chunked === undefined) {
      if (!ended) return undefined
      const body = bytes.subarray(from)
      return { answer: { ...answer, body, trailers: [], whole: false }, end: bytes.length }
    }
    return { answer: { ...answer, ...chunked, whole: true }, end: chunked.end }
  }
  const length = headerOf(answer, 'content-length')
  const end = length === undefined ? undefined : from + Number(length)
  if (end !== undefined && end <= bytes.length)
    return { answer: { ...none, body: bytes.subarray(from, end) }, end }
  if (!ended) return undefined
  const body = bytes.subarray(from)
  return { answer: { ...none, body, whole: end === undefined }, end: bytes.length }
}

export function readHeader(line: string): Header {
  const colon = line.indexOf(':')
  return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()]
}

/** The body after the chunked coding; undefined where it is not complete. */
export function readChunked(
  bytes: Buffer,
  from: number,
): { body: Buffer; trailers: Header[]; end: number } | undefined {
  const parts: Buffer[] = []
  let at = from
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1')
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.subarray(at, lineEnd).toString('latin1'), 16)
    if (!Number.isSafeInteger(size) || size < 0) return undefined
    at = lineEnd + 2
    if (size > 0) {
      if (at + size + 2 > bytes.length) return undefined
      parts.push(bytes.subarray(at, at + size))
      at += size + 2
      continue
    }
    const trailers: Header[] = []
    for (;;) {
      const end = bytes.indexOf('\r\n', at, 'latin1')
      if (end === -1) return undefined
      const line = bytes.subarray(at, end).toString('latin1')
      at = end + 2
      if (line === '') return { body: Buffer.concat(parts), trailers, end: at }
      trailers.push(readHeader(line))
    }
  }
}

export function headerOf(answer: { headers: readonly Header[] }, name: string): string | undefined {
  return answer.headers.find(([each]) => each.toLowerCase() === name)?.[1]
}

export function jsonOf(answer: Answer | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(answer?.body.toString('utf8') ?? '')
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/**
 * What the agent gets of an answer: its header fields, our own, and the body, scrubbed as the last thing before it is
 * written. Nothing is asked of the connection to the agent before there is something to give.
 */
import type { Scrubber, ScrubStream } from './scrub.ts'

/** Where an answer goes: the agent's own connection (node:http's `ServerResponse`), or what is kept for it. */
export type AnswerSink = {
  readonly shouldKeepAlive: boolean
  on(event: 'close', listener: () => void): unknown
  once(event: 'drain', listener: () => void): unknown
  writeHead(status: number, headers: string[]): unknown
  flushHeaders(): void
  write(chunk: Buffer): boolean
  end(): unknown
  end(text: string, encoding: 'latin1'): unknown
  destroy(): unknown
}

export type ReplyOptions = {
  readonly response: () => AnswerSink
  readonly scrubber: Scrubber
  readonly correlationId: string
  readonly status: number
  /** Names and values in turn, without those of the framing. */
  readonly headers: readonly string[]
  /** The agent went away; also called once everything has been given. */
  readonly onClose: () => void
}

export class Reply {
  readonly #options: ReplyOptions
  #response: AnswerSink | undefined
  #scrub: ScrubStream | undefined

  constructor(options: ReplyOptions) {
    this.#options = options
  }

  /** Whether the agent has been given anything yet. */
  get begun(): boolean {
    return this.#response !== undefined
  }

  /** Sends the header fields; `push` and `end` follow. */
  stream(extra: readonly string[] = []): void {
    this.#scrub = this.#options.scrubber.stream()
    this.#open(extra).flushHeaders()
  }

  /** False where the agent reads more slowly than the answer comes; see `onDrain`. */
  push(chunk: Buffer): boolean {
    let flowing = true
    for (const piece of this.#scrub?.push(chunk) ?? [])
      flowing = (this.#response?.write(piece) ?? true) && flowing
    return flowing
  }

  /** Calls back once the agent has read what it was given. */
  onDrain(resume: () => void): void {
    this.#response?.once('drain', resume)
  }

  /** The rest of a stream. `settled` is called before the connection can close. */
  end(settled: () => void): void {
    for (const piece of this.#scrub?.end() ?? []) this.#response?.write(piece)
    settled()
    this.#response?.end()
  }

  /** Header fields and body in one, by the end of this turn of the event loop. `settled` as in `end`. */
  whole(bytes: Buffer, extra: readonly string[], settled: () => void): void {
    const { scrubber, status } = this.#options
    const body = scrubber.body(bytes)
    const bodyless = status === 204 || status === 304
    const response = this.#open([
      ...(bodyless ? [] : ['content-length', String(body.length)]),
      ...extra,
    ])
    // Answers that became whole in one turn of the event loop are written one after another. Between them, each write
    // woke the process at the other end for a single answer, which took longer than all else about writing it.
    setImmediate(() => {
      settled()
      // As text, Node sends it in one write with the headers; latin1 is each byte as itself.
      response.end(bodyless ? '' : body.toString('latin1'), 'latin1')
    })
  }

  /** Ends it where it is, so that the agent sees that it is not whole. */
  breakOff(): void {
    this.#response?.destroy()
  }

  #open(extra: readonly string[]): AnswerSink {
    const { status, headers, correlationId, onClose } = this.#options
    const response = this.#options.response()
    this.#response = response
    response.on('close', onClose)
    response.writeHead(status, [
      ...headers,
      // Said here, so that Node does not add a Keep-Alive of its own: an agent must not take ours for the provider's.
      'connection',
      response.shouldKeepAlive ? 'keep-alive' : 'close',
      'valetkey-decision',
      'allow',
      'valetkey-correlation-id',
      correlationId,
      ...extra,
    ])
    return response
  }
}

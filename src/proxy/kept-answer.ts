/** An answer that nobody waits for: kept, so that the agent can fetch it, in place of being written to its connection. */
import type { AnswerSink } from './reply.ts'

/** The largest body that is kept, in bytes. What is longer was sent and answered all the same, and is not kept. */
export const largestKept = 1_048_576

export type KeptAnswer = {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** Undefined where it was longer than is kept, or broke off. */
  readonly body: Buffer | undefined
}

export class AnswerKeeper implements AnswerSink {
  readonly shouldKeepAlive = true
  #status = 0
  #headers: readonly string[] = []
  #chunks: Buffer[] = []
  #length = 0
  #state: 'open' | 'whole' | 'broken' = 'open'

  /** Undefined where no answer came. */
  get answer(): KeptAnswer | undefined {
    if (this.#status === 0) return undefined
    const whole = this.#state === 'whole' && this.#length <= largestKept
    return {
      status: this.#status,
      headers: this.#headers,
      body: whole ? Buffer.concat(this.#chunks) : undefined,
    }
  }

  // Nobody goes away, and nobody is slow.
  on(): void {}
  once(): void {}
  flushHeaders(): void {}

  writeHead(status: number, headers: readonly string[]): void {
    this.#status = status
    this.#headers = headers
  }

  write(chunk: Buffer): boolean {
    this.#length += chunk.length
    if (this.#length > largestKept) this.#chunks = []
    else this.#chunks.push(chunk)
    return true
  }

  end(text?: string, encoding?: 'latin1'): void {
    if (text !== undefined) this.write(Buffer.from(text, encoding))
    this.#state = 'whole'
  }

  destroy(): void {
    this.#state = 'broken'
  }
}

/** As bytes, to be sealed. */
export function writeKept({ status, headers, body }: KeptAnswer): Buffer {
  return Buffer.from(JSON.stringify({ status, headers, body: body?.toString('base64') }))
}

export function readKept(bytes: Buffer): KeptAnswer {
  const { status, headers, body } = JSON.parse(bytes.toString()) as {
    status: number
    headers: string[]
    body?: string
  }
  return { status, headers, body: body === undefined ? undefined : Buffer.from(body, 'base64') }
}

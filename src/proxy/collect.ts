/** Reads a whole answer as JSON: for the broker's own questions. */
import { isUtf8 } from 'node:buffer'
import { parseJson } from '../core/json.ts'
import { decodersFor } from './decode.ts'
import type { Egress, EgressFailure, EgressRequest } from './egress.ts'

export type Collected =
  | {
      readonly ok: true
      readonly status: number
      readonly json: unknown
      /** The answer, where it is not JSON but UTF-8. */
      readonly text: string | undefined
      readonly bytes: number
    }
  | { readonly ok: false; readonly failure: EgressFailure }

/** The largest answer that is read, decoded, in bytes. */
const largest = 8 * 1024 * 1024

/** Never rejects. `json` is undefined where the answer is not JSON. */
export function collectJson(
  egress: Egress,
  origin: string,
  request: EgressRequest,
  scrub: (answer: Buffer) => Buffer,
): Promise<Collected> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let status = 0
    let stop: (() => void) | undefined
    let over = false

    const settle = (collected: Collected): void => {
      if (over) return
      over = true
      resolve(collected)
    }
    const refuse = (detail: string): void => {
      settle({ ok: false, failure: { kind: 'failed', sent: true, detail } })
      stop?.()
    }
    const take = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > largest) refuse('ANSWER_TOO_LARGE')
      else chunks.push(chunk)
    }
    const finish = (): void => {
      const answer = scrub(Buffer.concat(chunks))
      const parsed = parseJson(answer, { maxDepth: 200 })
      const json = parsed.ok ? parsed.value : undefined
      const text = parsed.ok || !isUtf8(answer) ? undefined : answer.toString('utf8')
      settle({ ok: true, status, json, text, bytes })
    }

    let entry: NodeJS.WritableStream | undefined
    egress.send(origin, request, {
      onHeaders(answered, raw, control) {
        status = answered
        stop = () => control.abort()
        const codings: string[] = []
        for (let i = 0; i < raw.length; i += 2) {
          if (raw[i]?.toLowerCase() === 'content-encoding') codings.push(raw[i + 1] ?? '')
        }
        const decoding = decodersFor(codings.join(', '))
        if (!decoding.ok) return refuse('CONTENT_CODING')
        const [first, ...rest] = decoding.decoders
        if (first === undefined) return
        entry = first
        let last = first
        first.on('error', () => refuse('CONTENT_CODING'))
        for (const decoder of rest) {
          decoder.on('error', () => refuse('CONTENT_CODING'))
          last = last.pipe(decoder)
        }
        last.on('data', take)
        last.on('end', finish)
      },
      onData(chunk) {
        if (over) return
        if (entry === undefined) take(chunk)
        else entry.write(chunk)
      },
      onEnd() {
        if (over) return
        if (entry === undefined) finish()
        else entry.end()
      },
      onError(failure) {
        settle({ ok: false, failure })
      },
    })
  })
}

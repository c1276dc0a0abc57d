/**
 * Sends one request and gives its answer to the agent as it arrives: decoded, without the fields it may not see,
 * scrubbed, at the agent's own pace. A small answer is held until it is whole, so that one that breaks off becomes a
 * problem instead of a torso; everything else streams, chunk by chunk.
 */
import { PassThrough, type Transform } from 'node:stream'
import type { OutcomeEntry } from '../audit/entry.ts'
import { decodersFor } from './decode.ts'
import type { Egress, EgressControl, EgressFailure, EgressRequest } from './egress.ts'
import { failureFor, upstreamFailed, type Failure } from './failure.ts'
import { answerHeaders } from './headers.ts'
import { linksFor, type LinkBase } from './links.ts'
import { BodyRedactor, redactedField, redactedHeaders, type Redaction } from './redaction.ts'
import { Reply, type AnswerSink } from './reply.ts'
import type { Scrubber } from './scrub.ts'

export type { Failure } from './failure.ts'

export type Delivery = {
  readonly egress: Egress
  readonly origin: string
  readonly request: EgressRequest
  /** Made for the credential that goes out with the request. */
  readonly scrubber: Scrubber
  readonly correlationId: string
  readonly redaction: Redaction | undefined
  /** By what addresses the agent knows what a `Link` of the answer names. */
  readonly links: () => LinkBase
  /** The id of the credential that a minted secret was sealed as, if it was. */
  readonly onMinted: (value: string) => Promise<string | undefined>
  readonly response: () => AnswerSink
  /** The provider has begun to answer: what the request did may be done. */
  readonly onAnswer?: () => void
}

export type Delivered = {
  readonly outcome: Pick<OutcomeEntry, 'result' | 'status' | 'bytes' | 'detail'>
  /** Present where the agent has been given nothing. */
  readonly failure: Failure | undefined
}

/** An answer of a stated length up to this, in bytes, is held until it is whole; of any length, where it is redacted. */
const heldWhole = 65_536
/** The largest answer that a minted secret is looked for in. */
const largestMinted = 1_048_576

const details = {
  tooLarge:
    'the answer holds a credential that the provider minted, and is too large to take it out',
  notMinted:
    'the answer should hold a credential that the provider minted, but it is not JSON, and was withheld',
  notRevealed:
    'the answer may hold credentials of the provider and is not the JSON that they could be taken out of; it was withheld, whatever the request did',
  notSealed:
    'the provider minted a credential, and it could not be sealed; revoke it at the provider',
  notDecoded: 'the provider’s answer is not in the content coding that it claims',
} as const

export function deliver(delivery: Delivery): Promise<Delivered> {
  return new Promise((resolve) => {
    const answer = new Answer(delivery, resolve)
    delivery.egress.send(delivery.origin, delivery.request, {
      onHeaders: (status, headers, control) => answer.begin(status, headers, control),
      onData: (chunk) => answer.data(chunk),
      onEnd: () => answer.end(),
      onError: (failure) => answer.fail(failure),
    })
  })
}

class Answer {
  readonly #delivery: Delivery
  readonly #resolve: (delivered: Delivered) => void
  #settled = false
  #status = 0
  #bytes = 0
  #control: EgressControl | undefined
  #reply: Reply | undefined
  /** The first of the decoders, which what arrives is written to. */
  #entry: PassThrough | undefined
  #redactor: BodyRedactor | undefined
  #held: Buffer[] | undefined
  #heldLimit = 0

  constructor(delivery: Delivery, resolve: (delivered: Delivered) => void) {
    this.#delivery = delivery
    this.#resolve = resolve
  }

  begin(status: number, raw: readonly string[], control: EgressControl): void {
    this.#status = status
    this.#control = control
    this.#delivery.onAnswer?.()
    const { scrubber, redaction, request, response, correlationId } = this.#delivery
    // All fields in one look; one by one only where there is something to take out.
    const clean = !scrubber.finds(raw.join('\n'))
    const { headers, contentEncoding, contentType } = answerHeaders(
      raw,
      clean ? (text) => text : (text) => scrubber.header(text),
      (value) => linksFor(this.#delivery.links(), value),
    )
    const bodyless = request.method === 'HEAD' || status === 204 || status === 304
    const decoding = decodersFor(bodyless ? undefined : contentEncoding)
    if (!decoding.ok) return this.#refuse(decoding.detail)
    if (redaction !== undefined && status === 206) return this.#refuse(details.notRevealed)
    this.#reply = new Reply({
      response,
      scrubber,
      correlationId,
      status,
      headers: redaction === undefined ? headers : redactedHeaders(headers),
      onClose: () => {
        if (this.#settled) return
        this.#settle({ result: 'aborted', detail: 'the agent went away' }, undefined)
        control.abort()
      },
    })
    const length = lengthOf(raw)
    if (redaction !== undefined && (!bodyless || redaction.minted.length > 0)) {
      this.#redactor = new BodyRedactor(redaction, status, contentType)
      this.#hold(redaction.minted.length > 0 ? largestMinted : heldWhole)
    } else if (length !== undefined && length <= heldWhole && decoding.decoders.length === 0)
      this.#hold(heldWhole)
    if (decoding.decoders.length > 0) this.#decode(decoding.decoders)
    if (this.#held === undefined) this.#reply.stream()
  }

  #hold(limit: number): void {
    this.#held = []
    this.#heldLimit = limit
  }

  data(chunk: Buffer): void {
    if (this.#settled) return
    if (this.#entry !== undefined) {
      if (!this.#entry.write(chunk)) this.#control?.pause()
    } else if (!this.#decoded(chunk)) {
      this.#control?.pause()
      this.#reply?.onDrain(() => this.#control?.resume())
    }
  }

  end(): void {
    if (this.#settled) return
    if (this.#entry === undefined) this.#finish()
    else this.#entry.end()
  }

  fail(failure: EgressFailure): void {
    if (this.#settled) return
    const { kind, sent, detail } = failure
    const result =
      kind === 'unreachable' && !sent ? 'unreachable' : kind === 'unreachable' ? 'failed' : kind
    this.#settle({ result, detail }, failureFor(kind))
  }

  /** Puts the decoders between what arrives and what is scrubbed, each at the pace of the next. */
  #decode(decoders: readonly Transform[]): void {
    const entry = new PassThrough()
    this.#entry = entry
    entry.on('drain', () => this.#control?.resume())
    let last: PassThrough | Transform = entry
    for (const decoder of decoders) {
      decoder.on('error', () => this.#refuse(details.notDecoded))
      last = last.pipe(decoder)
    }
    const source = last
    source.on('data', (chunk: Buffer) => {
      if (!this.#decoded(chunk)) {
        source.pause()
        this.#reply?.onDrain(() => source.resume())
      }
    })
    source.on('end', () => this.#finish())
  }

  /** False where the agent reads more slowly than the answer comes. */
  #decoded(chunk: Buffer): boolean {
    if (this.#settled) return true
    this.#bytes += chunk.length
    if (this.#redactor === undefined) return this.#give(chunk)
    const passing = this.#redactor.push(chunk)
    if (passing !== undefined) return this.#give(passing)
    this.#refuse(this.#notJson())
    return true
  }

  #give(chunk: Buffer): boolean {
    const held = this.#held
    if (held === undefined) return this.#reply?.push(chunk) ?? true
    held.push(chunk)
    if (this.#bytes <= this.#heldLimit) return true
    if ((this.#delivery.redaction?.minted.length ?? 0) > 0) {
      this.#refuse(details.tooLarge)
      return true
    }
    // It is longer than it said, or than what is held: it streams after all.
    this.#held = undefined
    this.#reply?.stream(redactedField(this.#redactor?.possible ?? []))
    return held.map((piece) => this.#reply?.push(piece) ?? true).every(Boolean)
  }

  #finish(): void {
    if (this.#settled) return
    if (this.#redactor !== undefined && !this.#redactor.end()) {
      const detail = this.#notJson()
      this.#settle({ result: 'refused', detail }, upstreamFailed(detail))
      return
    }
    const completed = (): void => this.#settle({ result: 'completed' }, undefined)
    const held = this.#held
    if (held === undefined) {
      this.#reply?.end(completed)
      return
    }
    const [only] = held
    const body = held.length === 1 && only !== undefined ? only : Buffer.concat(held)
    const said = redactedField(this.#redactor?.redacted ?? [])
    const taken = this.#redactor?.taken ?? []
    if (taken.length === 0) this.#reply?.whole(body, said, completed)
    else void this.#finishMinted(taken, body, said, completed)
  }

  async #finishMinted(
    taken: readonly string[],
    body: Buffer,
    said: readonly string[],
    completed: () => void,
  ): Promise<void> {
    try {
      const sealed: string[] = []
      for (const value of taken) {
        const credentialId = await this.#delivery.onMinted(value)
        if (credentialId !== undefined) sealed.push(credentialId)
      }
      const kept = sealed.length === 0 ? [] : ['valetkey-sealed-credential', sealed.join(', ')]
      this.#reply?.whole(body, [...said, ...kept], completed)
    } catch {
      const detail = details.notSealed
      this.#settle({ result: 'completed', detail }, upstreamFailed(detail))
    }
  }

  #notJson(): string {
    const minted = this.#delivery.redaction?.minted.length ?? 0
    return minted > 0 ? details.notMinted : details.notRevealed
  }

  /** Nothing more of the answer is given, nor taken. */
  #refuse(detail: string): void {
    if (this.#settled) return
    this.#settle({ result: 'refused', detail }, upstreamFailed(detail))
    this.#control?.abort()
  }

  /** The first end counts. Whatever the agent has been given by then is broken off where it is not whole. */
  #settle(outcome: Delivered['outcome'], failure: Failure | undefined): void {
    if (this.#settled) return
    this.#settled = true
    this.#entry?.destroy()
    const begun = this.#reply?.begun === true
    if (failure !== undefined && begun) this.#reply?.breakOff()
    const status = this.#status === 0 ? {} : { status: this.#status }
    this.#resolve({
      outcome: { ...status, bytes: this.#bytes, ...outcome },
      failure: begun ? undefined : failure,
    })
  }
}

function lengthOf(raw: readonly string[]): number | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() === 'content-length') {
      const length = Number(raw[i + 1])
      return Number.isSafeInteger(length) ? length : undefined
    }
  }
  return undefined
}

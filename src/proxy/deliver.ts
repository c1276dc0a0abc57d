/**
 * Sends one request and gives its answer to the agent as it arrives: decoded, scrubbed, with the agent's own pace. A
 * small answer of known length is held until it is whole, so that one that breaks off becomes a problem instead of a
 * torso; everything else streams, chunk by chunk.
 */
import { PassThrough, type Transform } from 'node:stream'
import type { ServerResponse } from 'node:http'
import type { OutcomeEntry } from '../audit/entry.ts'
import { parseJson } from '../core/json.ts'
import type { ProblemCode, ProblemDetails } from '../problem.ts'
import type { MintedSecret } from '../provider/adapter.ts'
import { decodersFor } from './decode.ts'
import type { Egress, EgressControl, EgressFailure, EgressRequest } from './egress.ts'
import { answerHeaders } from './headers.ts'
import { redactMinted } from './minted.ts'
import type { Scrubber, ScrubStream } from './scrub.ts'

/** What the agent is told where it was given nothing. */
export type Failure = { readonly code: ProblemCode; readonly details: ProblemDetails }

export type Delivery = {
  readonly egress: Egress
  readonly origin: string
  readonly request: EgressRequest
  /** Made for the credential that goes out with the request. */
  readonly scrubber: Scrubber
  readonly correlationId: string
  readonly minted: MintedSecret | undefined
  /** The id of the credential that a minted secret was sealed as, if it was. */
  readonly onMinted: (value: string) => Promise<string | undefined>
  readonly response: () => ServerResponse
}

export type Delivered = {
  readonly outcome: Pick<OutcomeEntry, 'result' | 'status' | 'bytes' | 'detail'>
  /** Present where the agent has been given nothing. */
  readonly failure: Failure | undefined
}

/** An answer of a stated length up to this, in bytes, is held until it is whole. */
const heldWhole = 65_536
/** The largest answer that a minted secret is looked for in. */
const largestMinted = 1_048_576

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
  #headers: string[] = []
  #control: EgressControl | undefined
  #scrub: ScrubStream | undefined
  #response: ServerResponse | undefined
  /** The first of the decoders, which what arrives is written to. */
  #entry: PassThrough | undefined
  #held: Buffer[] | undefined
  #heldLimit = 0

  constructor(delivery: Delivery, resolve: (delivered: Delivered) => void) {
    this.#delivery = delivery
    this.#resolve = resolve
  }

  begin(status: number, raw: readonly string[], control: EgressControl): void {
    this.#status = status
    this.#control = control
    const { scrubber, minted, request } = this.#delivery
    // All fields in one look; one by one only where there is something to take out.
    const clean = !scrubber.finds(raw.join('\n'))
    const { headers, contentEncoding } = answerHeaders(
      raw,
      clean ? (text) => text : (text) => scrubber.header(text),
    )
    this.#headers = headers
    const bodyless = request.method === 'HEAD' || status === 204 || status === 304
    const decoding = decodersFor(bodyless ? undefined : contentEncoding)
    if (!decoding.ok) {
      this.#settle({ result: 'refused', detail: decoding.detail }, upstreamFailed(decoding.detail))
      control.abort()
      return
    }
    const length = lengthOf(raw)
    if (minted !== undefined) this.#hold(largestMinted)
    else if (length !== undefined && length <= heldWhole && decoding.decoders.length === 0)
      this.#hold(heldWhole)
    if (decoding.decoders.length > 0) this.#decode(decoding.decoders)
    if (this.#held === undefined) this.#stream()
  }

  #hold(limit: number): void {
    this.#held = []
    this.#heldLimit = limit
  }

  data(chunk: Buffer): void {
    if (this.#settled) return
    if (this.#entry === undefined) this.#decoded(chunk)
    else if (!this.#entry.write(chunk)) this.#control?.pause()
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
    const broken = (): void => {
      if (this.#settled) return
      const detail = 'the provider’s answer is not in the content coding that it claims'
      this.#settle({ result: 'refused', detail }, upstreamFailed(detail))
      this.#control?.abort()
    }
    for (const decoder of decoders) {
      decoder.on('error', broken)
      last = last.pipe(decoder)
    }
    const source = last
    source.on('data', (chunk: Buffer) => {
      if (!this.#decoded(chunk)) {
        source.pause()
        this.#response?.once('drain', () => source.resume())
      }
    })
    source.on('end', () => this.#finish())
  }

  /** False where the agent reads more slowly than the answer comes. */
  #decoded(chunk: Buffer): boolean {
    if (this.#settled) return true
    this.#bytes += chunk.length
    if (this.#held !== undefined) {
      this.#held.push(chunk)
      if (this.#bytes <= this.#heldLimit) return true
      if (this.#delivery.minted !== undefined) {
        const detail =
          'the answer holds a credential that the provider minted, and is too large to take it out'
        this.#settle({ result: 'refused', detail }, upstreamFailed(detail))
        this.#control?.abort()
        return true
      }
      // It is longer than it said: it streams after all.
      const held = this.#held
      this.#held = undefined
      this.#stream()
      return held.map((piece) => this.#write(piece)).every(Boolean)
    }
    return this.#write(chunk)
  }

  #write(chunk: Buffer): boolean {
    let flowing = true
    for (const piece of this.#scrub?.push(chunk) ?? [])
      flowing = (this.#response?.write(piece) ?? true) && flowing
    if (!flowing && this.#entry === undefined) {
      this.#control?.pause()
      this.#response?.once('drain', () => this.#control?.resume())
    }
    return flowing
  }

  #stream(): void {
    this.#scrub = this.#delivery.scrubber.stream()
    this.#open()
    this.#response?.flushHeaders()
  }

  #open(extra: readonly string[] = []): void {
    const response = this.#delivery.response()
    this.#response = response
    response.on('close', () => {
      if (this.#settled) return
      this.#settle({ result: 'aborted', detail: 'the agent went away' }, undefined)
      this.#control?.abort()
    })
    response.writeHead(this.#status, [
      ...this.#headers,
      // Said here, so that Node does not add a Keep-Alive of its own: an agent must not take ours for the provider's.
      'connection',
      response.shouldKeepAlive ? 'keep-alive' : 'close',
      'valetkey-decision',
      'allow',
      'valetkey-correlation-id',
      this.#delivery.correlationId,
      ...extra,
    ])
  }

  #finish(): void {
    if (this.#settled) return
    if (this.#delivery.minted !== undefined) {
      void this.#finishMinted(this.#delivery.minted)
      return
    }
    const held = this.#held
    if (held === undefined) {
      for (const piece of this.#scrub?.end() ?? []) this.#response?.write(piece)
      this.#settle({ result: 'completed' }, undefined)
      this.#response?.end()
      return
    }
    const [only] = held
    this.#sendWhole(
      this.#delivery.scrubber.body(
        held.length === 1 && only !== undefined ? only : Buffer.concat(held),
      ),
    )
  }

  #sendWhole(body: Buffer, extra: readonly string[] = []): void {
    const bodyless = this.#status === 204 || this.#status === 304
    this.#open([...(bodyless ? [] : ['content-length', String(body.length)]), ...extra])
    this.#settle({ result: 'completed' }, undefined)
    // As text, Node sends it in one write with the headers; latin1 is each byte as itself.
    this.#response?.end(bodyless ? '' : body.toString('latin1'), 'latin1')
  }

  async #finishMinted(minted: MintedSecret): Promise<void> {
    const parsed = parseJson(Buffer.concat(this.#held ?? []))
    if (!parsed.ok) {
      const detail =
        'the answer should hold a credential that the provider minted, but it is not JSON, and was withheld'
      this.#settle({ result: 'refused', status: this.#status, detail }, upstreamFailed(detail))
      return
    }
    try {
      const sealed: string[] = []
      for (const value of redactMinted(parsed.value, minted)) {
        const credentialId = await this.#delivery.onMinted(value)
        if (credentialId !== undefined) sealed.push(credentialId)
      }
      const body = this.#delivery.scrubber.body(Buffer.from(JSON.stringify(parsed.value)))
      this.#sendWhole(
        body,
        sealed.length === 0 ? [] : ['valetkey-sealed-credential', sealed.join(', ')],
      )
    } catch {
      const detail =
        'the provider minted a credential, and it could not be sealed; revoke it at the provider'
      this.#settle({ result: 'completed', status: this.#status, detail }, upstreamFailed(detail))
    }
  }

  /** The first end counts. Whatever the agent has been given by then is broken off where it is not whole. */
  #settle(outcome: Delivered['outcome'], failure: Failure | undefined): void {
    if (this.#settled) return
    this.#settled = true
    this.#entry?.destroy()
    const begun = this.#response !== undefined
    if (failure !== undefined && begun) this.#response?.destroy()
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

function upstreamFailed(detail: string): Failure {
  return { code: 'upstream_failed', details: { detail } }
}

function failureFor(kind: EgressFailure['kind']): Failure {
  switch (kind) {
    case 'unreachable':
      return {
        code: 'upstream_unreachable',
        details: { detail: 'no connection to the provider could be made; nothing was sent' },
      }
    case 'timeout':
      return {
        code: 'upstream_timeout',
        details: {
          detail: 'the provider did not answer in time; whether it did what was asked is not known',
        },
      }
    case 'failed':
    case 'aborted':
      return {
        code: 'upstream_failed',
        details: { detail: 'the provider broke off; whether it did what was asked is not known' },
      }
  }
}

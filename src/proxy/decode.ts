/**
 * Takes the content codings off a provider's answer, so that the scrubber reads what the agent would read. The broker
 * asks only for codings it can decode; an answer in another one, or that is not in the coding it claims, or that goes on
 * after its end, is broken off: bytes that were not understood are never passed on.
 *
 * Everything streams at the reader's pace, so that an answer that decodes to a gigabyte costs no memory; hence there is
 * no limit on how far an answer expands. What a decoder itself may take is bounded by its window.
 */
import { Transform, type TransformCallback } from 'node:stream'
import zlib from 'node:zlib'

/** What the broker sends as Accept-Encoding, whatever the agent sent. */
export const ACCEPT_ENCODING = 'gzip, deflate, br, zstd'

/** A provider has no reason for more; each costs a decoder. */
const mostCodings = 3

export type Decoders =
  | { readonly ok: true; readonly decoders: readonly Transform[] }
  | { readonly ok: false; readonly detail: string }

/**
 * The decoders for a Content-Encoding, in the order in which they are to be applied. None for identity. A decoder fails
 * (`error`) where the bytes are not in its coding or end too soon; no bytes at all decode to none, as of an empty body.
 */
export function decodersFor(contentEncoding: string | undefined): Decoders {
  // RFC 9110 §8.4: codings are listed in the order in which they were applied.
  const codings = (contentEncoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
    .toReversed()
  if (codings.length > mostCodings) {
    return { ok: false, detail: 'the provider’s answer has too many content codings' }
  }
  const decoders: Transform[] = []
  for (const coding of codings) {
    const make = makers.get(coding)
    if (make === undefined) {
      return {
        ok: false,
        detail: 'the provider’s answer has a content coding that was not asked for',
      }
    }
    decoders.push(new Decoder(make))
  }
  return { ok: true, decoders }
}

type Inner = Transform & { readonly bytesWritten: number }
type Maker = (firstByte: number) => Inner

/** RFC 9659: eight mebibytes are the largest window of zstd as a content coding. */
const zstdOptions = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } }

const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  // RFC 9110 §8.4.1.2: deflate is in the zlib format, but some send it bare. No bare block begins with an 8.
  ['deflate', (first) => ((first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw())],
  ['br', () => zlib.createBrotliDecompress()],
  ['zstd', () => zlib.createZstdDecompress(zstdOptions)],
])

const more = 'there is more after the end of the coding'

/** Chooses its decoder by the first byte, and takes silence after the coding's own end for an error, not for the end. */
class Decoder extends Transform {
  readonly #make: Maker
  #inner: Inner | undefined
  #fed = 0
  /** A coding that knows its own end comes to it before the source does. */
  #ended = false

  constructor(make: Maker) {
    super()
    this.#make = make
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const [first] = chunk
    if (first === undefined) return done()
    if (this.#ended) return done(new Error(more))
    this.#fed += chunk.length
    this.#inner ??= this.#open(first)
    // Called once it is decoded and what it became was taken, which is what slows the source down.
    this.#inner.write(chunk, () => done())
  }

  override _flush(done: TransformCallback): void {
    const inner = this.#inner
    if (inner === undefined) return done()
    const finish = (): void => {
      done(inner.bytesWritten < this.#fed ? new Error(more) : null)
    }
    if (this.#ended) return finish()
    inner.once('end', finish)
    inner.end()
  }

  override _read(size: number): void {
    this.#inner?.resume()
    // oxlint-disable-next-line no-underscore-dangle -- what a Transform does on its own
    super._read(size)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner?.destroy()
    done(error)
  }

  #open(first: number): Inner {
    const inner = this.#make(first)
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause()
    })
    inner.on('end', () => {
      this.#ended = true
    })
    inner.on('error', (error) => this.destroy(error))
    return inner
  }
}

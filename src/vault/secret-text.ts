/**
 * A plaintext secret that does not print. Guarantees, against our own mistakes: a secret that ends up in a log line, an
 * error, a template, JSON, `util.inspect` or a structured clone shows `[redacted]` or nothing, so that the only way to
 * the plaintext is a call of `reveal` or `revealBytes`, which anyone can search the code for.
 */
import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const redacted = '[redacted]'

export class SecretText {
  readonly #bytes: Buffer
  #disposed = false

  private constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** From text, as UTF-8. The string itself cannot be erased: prefer `take` where bytes are at hand. */
  static of(text: string): SecretText {
    // Not Buffer.from: small buffers share one pool, where the secret would lie beside unrelated bytes.
    const bytes = Buffer.alloc(Buffer.byteLength(text))
    bytes.write(text)
    return new SecretText(bytes)
  }

  /** Takes the bytes over: they are copied and the original is zeroed. */
  static take(bytes: Uint8Array): SecretText {
    const own = Buffer.alloc(bytes.length)
    own.set(bytes)
    bytes.fill(0)
    return new SecretText(own)
  }

  /** The plaintext as text. Throws after `dispose`. */
  reveal(): string {
    return this.revealBytes().toString('utf8')
  }

  /** The plaintext itself, not a copy: `dispose` zeroes it. Throws after `dispose`. */
  revealBytes(): Buffer {
    if (this.#disposed) throw new Error('the secret has been disposed of')
    return this.#bytes
  }

  /** Whether there is nothing left to reveal. */
  get disposed(): boolean {
    return this.#disposed
  }

  /** Compares in time that depends on the lengths alone. */
  equals(other: SecretText): boolean {
    const [a, b] = [this.revealBytes(), other.revealBytes()]
    return a.length === b.length && timingSafeEqual(a, b)
  }

  /** Zeroes the plaintext. Idempotent. Strings that `reveal` returned remain until they are collected. */
  dispose(): void {
    this.#bytes.fill(0)
    this.#disposed = true
  }

  toString(): string {
    return redacted
  }

  toJSON(): string {
    return redacted
  }

  [Symbol.toPrimitive](): string {
    return redacted
  }

  [inspect.custom](): string {
    return redacted
  }
}

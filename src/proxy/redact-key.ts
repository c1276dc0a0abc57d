/**
 * Reads the keys of an object as far as they matter: escapes decoded, in UTF-8, and no further than the longest key
 * that something depends on, so that a key of a gigabyte costs nothing.
 */
export class KeyReader {
  #bytes = Buffer.alloc(64)
  #length = 0
  #longest = -1
  #tooLong = false
  /** The first half of a pair of surrogates; 0 where there is none. */
  #high = 0

  /** `longest`: in bytes. */
  begin(longest: number): void {
    if (this.#bytes.length < longest) this.#bytes = Buffer.alloc(longest)
    this.#longest = longest
    this.#length = 0
    this.#tooLong = false
    this.#high = 0
  }

  /** Bytes as they stand in the text, without escapes. */
  raw(chunk: Uint8Array, start: number, end: number): void {
    if (start === end) return
    this.#pairless()
    if (this.#tooLong || this.#length + end - start > this.#longest) {
      this.#tooLong = true
      return
    }
    this.#bytes.set(chunk.subarray(start, end), this.#length)
    this.#length += end - start
  }

  /** One UTF-16 code unit that an escape spelled. */
  unit(code: number): void {
    if (code >= 0xdc00 && code <= 0xdfff && this.#high !== 0) {
      const point = 0x10000 + ((this.#high - 0xd800) << 10) + (code - 0xdc00)
      this.#high = 0
      this.#point(point)
      return
    }
    this.#pairless()
    if (code >= 0xd800 && code <= 0xdbff) this.#high = code
    else this.#point(code)
  }

  /** The key's bytes as latin1; undefined where it is no key that matters. */
  end(): string | undefined {
    this.#pairless()
    return this.#tooLong ? undefined : this.#bytes.toString('latin1', 0, this.#length)
  }

  /** A lone half of a pair is in no key that a catalogue names: readers replace it, each in its own way. */
  #pairless(): void {
    if (this.#high !== 0) this.#tooLong = true
    this.#high = 0
  }

  #point(point: number): void {
    const utf8 = Buffer.from(String.fromCodePoint(point))
    this.raw(utf8, 0, utf8.length)
  }
}

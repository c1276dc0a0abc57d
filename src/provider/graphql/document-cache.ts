/**
 * Keeps what was made of a document, to be found by the document. Where it lies is told by a number made of it, which costs
 * a small part of what a Map spends on a key of that length; whether it is the same document is told by comparing all of it,
 * never by the number. Who makes two documents of one number has them put each other out, and gains nothing else.
 *
 * A document that came once is kept among the few latest. One that came again is kept among many. So documents that are
 * made for one request, however many an agent sends, neither put out what others send all day nor pile up for the garbage
 * collector, which would otherwise spend as much on keeping a document as reading it took.
 */
import { crc32 } from 'node:zlib'
import { LRUCache } from 'lru-cache'

type Kept<K, V> = { readonly key: K; readonly value: V }

/** Looks for what was kept under an equal key. */
export type DocumentCache<K, V> = (key: K) => {
  readonly found: V | undefined
  /** Nothing is kept of a document that is too long. */
  keep(value: V): void
}

const longestKept = 100_000
/** What stands beside a document: its own key, and what was made of it. */
const besides = 500
const latest = { max: 64, maxSize: 400_000 }
const returned = { max: 2_000, maxSize: 2_000_000 }
/** How many documents that are no longer kept may be known to have come. */
const remembered = 8_192

function documentCache<K extends { readonly length: number }, V>(
  numberOf: (key: K) => number,
  same: (one: K, other: K) => boolean,
  own: (key: K) => K,
): DocumentCache<K, V> {
  const once = new LRUCache<number, Kept<K, V>>(latest)
  const again = new LRUCache<number, Kept<K, V>>(returned)
  const came = new Int32Array(remembered)

  function keep(number: number, kept: Kept<K, V>): void {
    const size = kept.key.length + besides
    const slot = number & (remembered - 1)
    // Another document of the same number makes it stay sooner, and no more than that.
    const entries = came[slot] === number ? again : once
    came[slot] = number
    entries.set(number, kept, { size })
  }

  return (key) => {
    const number = numberOf(key)
    let kept = again.get(number)
    if (kept === undefined || !same(kept.key, key)) {
      kept = once.get(number)
      if (kept !== undefined && same(kept.key, key)) {
        once.delete(number)
        keep(number, kept)
      } else kept = undefined
    }
    return {
      found: kept?.value,
      keep(value) {
        if (key.length < longestKept) keep(number, { key: own(key), value })
      },
    }
  }
}

/** By bytes, which are copied: who handed them over may use the buffer for something else. */
export function cacheByBytes<V>(): DocumentCache<Buffer, V> {
  return documentCache<Buffer, V>(
    numberOf,
    (one, other) => one.equals(other),
    (bytes) => Buffer.from(bytes),
  )
}

export function cacheByText<V>(): DocumentCache<string, V> {
  return documentCache<string, V>(
    numberOf,
    (one, other) => one === other,
    (text) => text,
  )
}

/** Signed, and so a small integer to V8. */
export function numberOf(document: Buffer | string): number {
  return crc32(document) | 0
}

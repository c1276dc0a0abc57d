/**
 * What a secret may look like once a whole string was encoded: the needles that the scrubber looks for. Escapes of
 * single characters are `spelling.ts`'s; they apply to every needle.
 */

/** One shape of the secret. Letter case, and which of the two base64 alphabets was used, make no difference. */
export type Needle = {
  readonly bytes: Uint8Array
  /** How many characters of it in a row, wherever in it they begin, are too many. */
  readonly threshold: number
  /** Whether it is the secret itself, letter by letter: it is looked for as UTF-16 too. */
  readonly plain: boolean
}

/** A run of this many characters of the secret counts as the secret; of a shorter one, all of it. */
export const tellingLength = 12

const shortestEncoded = 6

/** The byte under which all that reads alike is compared: a for A, + for -, / for _. */
export const fold = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code >= 0x41 && code <= 0x5a) return code | 0x20
  if (code === 0x2d) return 0x2b
  if (code === 0x5f) return 0x2f
  return code
})

export function needlesOf(secret: string): Needle[] {
  const plain = Buffer.from(secret, 'utf8')
  const telling = Math.min(tellingLength, plain.length)
  const encoded = base64Telling(telling)
  const needles: Needle[] = [{ bytes: plain, threshold: telling, plain: true }]
  // So short a secret, encoded, is a few letters that occur everywhere.
  if (telling < shortestEncoded) return needles
  const add = (bytes: Uint8Array, threshold: number) =>
    needles.push({ bytes, threshold, plain: false })
  add(plain.toReversed(), telling)
  add(rot13(plain), telling)
  add(Buffer.from(plain.toString('hex'), 'latin1'), 2 * telling)
  for (const once of base64Streams(plain)) {
    add(once, encoded)
    for (const twice of base64Streams(once)) add(twice, base64Telling(encoded))
  }
  return needles.filter(({ bytes, threshold }) => bytes.length >= threshold && threshold > 0)
}

/** How many whole base64 characters a run of bytes fills at least, whatever its alignment. */
function base64Telling(bytes: number): number {
  return Math.max(1, Math.floor((bytes * 8 - 4) / 6))
}

/**
 * The three ways in which bytes come out within a longer base64 text, without the characters at either end that
 * neighbouring bytes share.
 */
function base64Streams(plain: Uint8Array): Buffer[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), plain]).toString('base64')
    const first = Math.ceil((before * 8) / 6)
    const end = Math.floor(((before + plain.length) * 8) / 6)
    return Buffer.from(text.slice(first, end), 'latin1')
  })
}

function rot13(plain: Uint8Array): Uint8Array {
  return plain.map((code) => {
    const letter = code | 0x20
    if (letter < 0x61 || letter > 0x7a) return code
    return letter < 0x6e ? code + 13 : code - 13
  })
}

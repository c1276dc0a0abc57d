/**
 * Makes handles, and knows them by themselves: their last letters are a mark that only a holder of our key can make.
 * Against floods of guesses, and against a real token of a provider's that was pasted where a capability belongs: what
 * has no mark is refused before anything is looked up, hashed into a query or kept. The mark is no proof of anything:
 * the random letters are what nobody guesses, and the record is what says yes.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  assertHandleShape,
  handleAlphabets,
  longestHandle,
  type HandleAlphabet,
  type HandleShape,
} from '../core/handle-shape.ts'

const shortest = Math.min(...Object.values(handleAlphabets).map(({ least }) => least))
const form = new RegExp(`^[A-Za-z0-9_-]{${String(shortest)},${String(longestHandle)}}$`)

/** `random` gives that many random bytes. */
export function makeHandle(
  shape: HandleShape,
  secret: Buffer,
  random: (size: number) => Buffer,
): string {
  assertHandleShape(shape)
  const { letters, mark } = handleAlphabets[shape.alphabet]
  const wanted = shape.prefix.length + shape.length - mark
  // A byte beyond the last whole round of the alphabet would favour its first letters.
  const fair = 256 - (256 % letters.length)
  let text = shape.prefix
  while (text.length < wanted) {
    for (const byte of random(wanted)) {
      if (byte < fair && text.length < wanted) text += letters[byte % letters.length] ?? ''
    }
  }
  return text + markOf(text, shape.alphabet, secret)
}

/** Whether it has the form and the mark of a handle. It may still be none, or not any more. */
export function isMarked(token: string, secret: Buffer): boolean {
  if (!form.test(token)) return false
  return (Object.keys(handleAlphabets) as HandleAlphabet[]).some((alphabet) => {
    const cut = token.length - handleAlphabets[alphabet].mark
    const expected = Buffer.from(markOf(token.slice(0, cut), alphabet, secret))
    return timingSafeEqual(expected, Buffer.from(token.slice(cut)))
  })
}

function markOf(text: string, alphabet: HandleAlphabet, secret: Buffer): string {
  const { letters, mark } = handleAlphabets[alphabet]
  const size = BigInt(letters.length)
  let rest = createHmac('sha256', secret).update(`${alphabet} ${text}`).digest().readBigUInt64BE()
  let written = ''
  for (let i = 0; i < mark; i++) {
    written += letters[Number(rest % size)] ?? ''
    rest /= size
  }
  return written
}

/**
 * What a handle looks like: a capability as an opaque text, for clients that refuse a JWT because a token of their
 * provider's looks otherwise. Against guessing: whatever a provider's clients ask for, a shape that leaves no room for
 * enough random letters and for our own mark is none.
 */

const digits = '0123456789'
const lower = 'abcdefghijklmnopqrstuvwxyz'

export type HandleAlphabet = 'hex' | 'base62'

export type HandleShape = {
  /** `sbp_`; letters, digits, `_` and `-` only. */
  readonly prefix: string
  readonly alphabet: HandleAlphabet
  /** How many letters of the alphabet follow, ours at their end included. */
  readonly length: number
}

/**
 * `mark`: how many letters at the end are the broker's own, by which it knows its handles from a provider's tokens. The
 * least length leaves 128 random bits beside it.
 */
export const handleAlphabets: Readonly<
  Record<
    HandleAlphabet,
    { readonly letters: string; readonly mark: number; readonly least: number }
  >
> = {
  hex: { letters: `${digits}abcdef`, mark: 8, least: 40 },
  base62: { letters: `${digits}${lower.toUpperCase()}${lower}`, mark: 6, least: 28 },
}

export const longestHandle = 140

/** Where a provider's clients take anything: `\w` alone, which is what the strictest of those that we know allow. */
export const defaultHandle: HandleShape = { prefix: 'vkh_', alphabet: 'base62', length: 40 }

/** Throws where it is not a shape that a handle may have. */
export function assertHandleShape({ prefix, alphabet, length }: HandleShape): void {
  const { least } = handleAlphabets[alphabet]
  if (
    !/^[A-Za-z0-9_-]{0,39}$/.test(prefix) ||
    !Number.isInteger(length) ||
    length < least ||
    prefix.length + length > longestHandle
  )
    throw new Error(`no handle may have the shape ${JSON.stringify({ prefix, alphabet, length })}`)
}

/** How many bits of a handle of this shape nobody knows. */
export function randomBits({ alphabet, length }: HandleShape): number {
  const { letters, mark } = handleAlphabets[alphabet]
  return (length - mark) * Math.log2(letters.length)
}

/**
 * One attempt at unsealing at a time. Guarantees, against whoever reaches the unseal endpoint without knowing the
 * passphrase: at most one argon2 runs, whatever they send, and guesses come slower and slower, up to a bound that
 * leaves the operator's own attempt a chance.
 */
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { SecretText } from './secret-text.ts'

/** In milliseconds: the delay after the first failure, which doubles up to the last. */
const firstDelay = 250
const longestDelay = 4_000

export type UnsealGateOptions = {
  /** Waits for so many milliseconds. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>
}

export type UnsealGate<R> = (
  passphrase: SecretText,
) => Promise<R | { readonly ok: false; readonly reason: 'busy' }>

/**
 * Wraps `tryUnseal` so that a concurrent attempt is answered `busy` at once, unread. A failing attempt is answered, and
 * the next one let in, only after the delay; a success starts the delays anew. An attempt that throws (the database is away)
 * was no guess and adds nothing.
 */
export function createUnsealGate<R extends { readonly ok: boolean }>(
  tryUnseal: (passphrase: SecretText) => Promise<R>,
  options: UnsealGateOptions = {},
): UnsealGate<R> {
  const sleep = options.sleep ?? ((milliseconds: number) => sleepFor(milliseconds))
  let busy = false
  let failures = 0
  return async (passphrase) => {
    if (busy) return { ok: false, reason: 'busy' }
    busy = true
    try {
      const result = await tryUnseal(passphrase)
      if (result.ok) {
        failures = 0
      } else {
        await sleep(Math.min(longestDelay, firstDelay * 2 ** failures))
        failures = Math.min(failures + 1, 16)
      }
      return result
    } finally {
      busy = false
    }
  }
}

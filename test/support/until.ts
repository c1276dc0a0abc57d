/** Waits for what must come, and fails where it has not by the deadline: never a bare sleep. */
import { setTimeout as sleep } from 'node:timers/promises'

/** The first value of `probe` that is not undefined. `deadline` is in milliseconds. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  deadline = 15_000,
): Promise<T> {
  const end = performance.now() + deadline
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (performance.now() > end) throw new Error(`it did not come to pass: ${what}`)
    await sleep(20)
  }
}

/** A bound on the time that all questions for one purpose may take together, whatever each of them may take. */
import type { Ask } from './adapter.ts'

/** Rejects once `milliseconds` have passed since it was made. `now` is a clock in milliseconds that never goes back. */
export function askWithin(ask: Ask, milliseconds: number, now: () => number): Ask {
  const end = now() + milliseconds
  return async (question, by) => {
    const left = end - now()
    if (left <= 0) throw new Error('there is no time left to ask')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the answer took too long')), left)
    })
    try {
      return await Promise.race([ask(question, by), late])
    } finally {
      clearTimeout(timer)
    }
  }
}

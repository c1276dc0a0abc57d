/**
 * Operators' passwords: argon2id, behind a gate. One hash takes tens of milliseconds and 64 MiB, so that whoever can
 * make the broker compute them can stop it: few run at once, few may wait, and guesses at one name are rationed.
 */
import { argon2id, hash, verify } from 'argon2'
import { Problem } from '../problem.ts'

/** argon2id's parameters; memory in KiB. */
export type PasswordCost = { readonly memoryCost: number; readonly timeCost: number }

const standard: PasswordCost = { memoryCost: 65_536, timeCost: 3 }
const mostWaiting = 8
const guessesPerMinute = 10

export type Passwords = {
  hash(password: string): Promise<string>
  /** Takes the same time whether or not there is a hash to compare with. */
  verify(name: string, stored: string | null | undefined, password: string): Promise<boolean>
}

export const shortestPassword = 12

/** `chosen` is for tests, which check hundreds of passwords that protect nothing. */
export function createPasswords(now: () => number, chosen = standard): Passwords {
  const cost = { type: argon2id, parallelism: 1, ...chosen } as const
  let queue: Promise<unknown> = Promise.resolve()
  let waiting = 0
  let decoy: string | undefined
  const guesses = new Map<string, { count: number; since: number }>()

  function exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (waiting >= mostWaiting)
      throw new Problem('rate_limited', 'too many passwords are being checked; try again')
    waiting++
    const result = queue.then(work, work).finally(() => waiting--)
    queue = result.catch(() => undefined)
    return result
  }

  function ration(name: string): void {
    const at = now()
    for (const [key, entry] of guesses) if (at - entry.since > 60_000) guesses.delete(key)
    // Beyond a number of them names are counted as one, so that inventing names fills no memory and gets no more guesses.
    const key = guesses.has(name) || guesses.size < 10_000 ? name : ''
    const entry = guesses.get(key) ?? { count: 0, since: at }
    entry.count++
    guesses.set(key, entry)
    if (entry.count > guessesPerMinute) {
      throw new Problem(
        'rate_limited',
        'too many passwords were tried for this name; wait a minute',
      )
    }
  }

  return {
    hash: (password) => exclusively(() => hash(password, cost)),
    verify(name, stored, password) {
      ration(name)
      return exclusively(async () => {
        decoy ??= await hash('nobody has this password', cost)
        const matches = await verify(stored ?? decoy, password)
        const good = matches && stored != null
        if (good) guesses.delete(name)
        return good
      })
    },
  }
}

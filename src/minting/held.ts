/**
 * What was minted for egress, in memory, until shortly before it ends; and whom not to ask again just yet. Guarantees:
 * one minting at a time for one credential and narrowing, however many ask; none is given out that ends within a minute;
 * never more than `most` are held; a provider that says no is not asked again at once, by anybody.
 */
import { LRUCache } from 'lru-cache'
import type { SecretText } from '../vault/secret-text.ts'
import type { MintRefusal } from './kind.ts'

/** What is minted with less than this left is not used, in milliseconds: a request takes time, and clocks differ. */
export const margin = 60_000
/** How long one is held at the most, in milliseconds. */
const longestHeld = 3_600_000
const most = 500
/** After it is forgotten, in milliseconds: a request that was just given it still has to put it into its field. */
const eraseAfter = 2_000
/** Milliseconds: the pause after the first refusal, and the longest, of what a provider may grant next time. */
const pauses: Readonly<Record<MintRefusal['why'], readonly [number, number]>> = {
  unavailable: [1_000, 15_000],
  rejected: [15_000, 300_000],
  impossible: [15_000, 300_000],
}
/** Milliseconds, where the secret itself is worth nothing any more. */
const deadPause = 600_000
/** A token that a provider refuses may be refused for what was asked: another is minted so often, in milliseconds. */
const refusedPause = 30_000

export type Held<G> = {
  readonly secret: SecretText
  readonly guard: G
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

type Owner = { readonly id: string; readonly version: number }
type Entry<G> = { readonly held: Held<G>; readonly owner: Owner; readonly timer: NodeJS.Timeout }
type Pause = { readonly refusal: MintRefusal; readonly until: number; readonly times: number }

export type HeldTokens<G> = {
  /** Undefined where one must be minted. */
  get(key: string, now: number): Held<G> | MintRefusal | undefined
  /** Joins the minting of this key that is under way, or starts it. */
  once(
    key: string,
    owner: Owner,
    mint: () => Promise<Held<G> | MintRefusal>,
    now: () => number,
  ): Promise<Held<G> | MintRefusal>
  /** The provider did not accept it. False where one was replaced for that reason a moment ago: then it stays. */
  refused(key: string, held: Held<G>, now: number): boolean
  /** The credentials that anything is held or minted for. */
  owners(): readonly Owner[]
  /** Forgets what is held for it, and what is being minted. */
  drop(owner: Owner): void
  clear(): void
}

export function createHeldTokens<G>(): HeldTokens<G> {
  const entries = new LRUCache<string, Entry<G>>({
    max: most,
    dispose: ({ held, timer }) => {
      clearTimeout(timer)
      setTimeout(() => held.secret.dispose(), eraseAfter).unref()
    },
  })
  const pausing = new LRUCache<string, Pause>({ max: most })
  const replaced = new LRUCache<string, number>({ max: most })
  const flights = new Map<
    string,
    { readonly owner: Owner; dropped: boolean; readonly promise: Promise<Held<G> | MintRefusal> }
  >()
  const same = (a: Owner, b: Owner): boolean => a.id === b.id && a.version === b.version

  function pause(key: string, refusal: MintRefusal, now: number): void {
    const times = (pausing.get(key)?.times ?? 0) + 1
    const [first, longest] = pauses[refusal.why]
    const length = refusal.dead === true ? deadPause : Math.min(longest, first * 2 ** (times - 1))
    pausing.set(key, { refusal, until: now + length, times })
  }

  return {
    get(key, now) {
      const entry = entries.get(key)
      if (entry !== undefined) {
        if (entry.held.expiresAt - now >= margin) return entry.held
        entries.delete(key)
      }
      const paused = pausing.get(key)
      return paused !== undefined && now < paused.until ? paused.refusal : undefined
    },
    once(key, owner, mint, now) {
      const known = flights.get(key)
      if (known !== undefined && !known.dropped) return known.promise
      const promise = mint()
        .then((minted) => {
          if ('ok' in minted) pause(key, minted, now())
          else {
            pausing.delete(key)
            const left = Math.min(minted.expiresAt - margin - now(), longestHeld)
            // Whoever waited for it uses it; nobody after them, where its credential was taken away meanwhile.
            if (flight.dropped) setTimeout(() => minted.secret.dispose(), eraseAfter).unref()
            else {
              const timer = setTimeout(() => entries.delete(key), left).unref()
              entries.set(key, { held: minted, owner, timer })
            }
          }
          return minted
        })
        .finally(() => {
          if (flights.get(key) === flight) flights.delete(key)
        })
      const flight = { owner, dropped: false, promise }
      flights.set(key, flight)
      return promise
    },
    refused(key, held, now) {
      if (entries.peek(key)?.held !== held) return false
      const last = replaced.get(key)
      if (last !== undefined && now - last < refusedPause) return false
      replaced.set(key, now)
      entries.delete(key)
      return true
    },
    owners() {
      const all = [
        ...[...entries.values()].map(({ owner }) => owner),
        ...[...flights.values()].map(({ owner }) => owner),
      ]
      return all.filter((owner, i) => all.findIndex((other) => same(owner, other)) === i)
    },
    drop(owner) {
      const theirs = [...entries.entries()].filter(([, entry]) => same(entry.owner, owner))
      for (const [key] of theirs) entries.delete(key)
      for (const flight of flights.values()) if (same(flight.owner, owner)) flight.dropped = true
    },
    clear() {
      entries.clear()
      pausing.clear()
      for (const flight of flights.values()) flight.dropped = true
    },
  }
}

/**
 * The broker's own questions about where an id lives. Answers are kept for a short, stated time, under the credential
 * that asked, so that no two credentials share one; a burst asks once; a request that must not rely on a kept answer
 * asks anew, but each thing once. What passes through and writes forgets what was kept: once when it is located, and again
 * when it was delivered, because what was asked in between may be older than what it did.
 */
import { LRUCache } from 'lru-cache'
import type { LocateContext } from '../adapter.ts'
import { createGenerations } from '../kept-answers.ts'
import { Unestablished } from '../unestablished.ts'

/** How long an answer is believed, in milliseconds. */
export const believedFor = 10_000
/** Questions that one request may cost. */
export const askBudget = 20

export type Answers = {
  /** The JSON of a 200; throws Unestablished: `not_found` for a 404, `lookup_failed` for everything else. */
  get(target: string, context: LocateContext, by?: 'acting'): Promise<unknown>
  /** After a write: what these credentials were told may no longer be so. */
  forget(cacheKey: string, actingKey?: string): void
}

export function createAnswers(now: () => number): Answers {
  const kept = new LRUCache<string, { readonly until: number; readonly json: Promise<unknown> }>({
    max: 5_000,
  })
  /** What this one request has asked already. */
  const asked = new WeakMap<LocateContext, Map<string, Promise<unknown>>>()
  const generations = createGenerations()

  async function question(
    target: string,
    context: LocateContext,
    by: 'acting' | undefined,
  ): Promise<unknown> {
    let answer
    try {
      answer = await context.ask(
        { method: 'GET', target, headers: { accept: 'application/json' }, body: undefined },
        by,
      )
    } catch {
      throw new Unestablished('lookup_failed')
    }
    if (answer.status === 404) throw new Unestablished('not_found')
    if (answer.status !== 200 || answer.json === undefined) throw new Unestablished('lookup_failed')
    return answer.json
  }

  return {
    get(target, context, by) {
      let own = asked.get(context)
      if (own === undefined) asked.set(context, (own = new Map()))
      // Two credentials may be told two things about the same target.
      const asking = `${by ?? ''} ${target}`
      const before = own.get(asking)
      if (before !== undefined) return before
      const whose = by === 'acting' ? context.actingKey : context.cacheKey
      const key = `${whose ?? ''} ${String(generations.of(whose ?? ''))} ${target}`
      const keeps = !context.fresh && whose !== undefined
      const known = keeps ? kept.get(key) : undefined
      if (known !== undefined && known.until > now()) return known.json
      if (own.size >= askBudget) return Promise.reject(new Unestablished('too_many'))
      const json = question(target, context, by)
      own.set(asking, json)
      if (keeps) {
        kept.set(key, { until: now() + believedFor, json })
        // A failure is not an answer: the next request asks again.
        json.catch(() => kept.delete(key))
      }
      return json
    },
    forget(cacheKey, actingKey) {
      generations.pass(cacheKey)
      if (actingKey !== undefined) generations.pass(actingKey)
    },
  }
}

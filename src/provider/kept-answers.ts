/**
 * When an answer about where something lives stops being believed before its time: once a write by the same credential
 * was delivered. Against an agent that asks about an id while a write of its own, which moves that id, is on its way: the
 * answer may be older than the write, and would speak for the next request.
 */
import { LRUCache } from 'lru-cache'
import type { Invocation } from '../core/operation.ts'

export type Generations = {
  /** What an answer is kept under, beside the credential that was told it: read before the question is asked. */
  of(cacheKey: string): number
  /** Whatever is kept under the generation before is not found any more, also where its answer comes only now. */
  pass(cacheKey: string): void
}

export function createGenerations(): Generations {
  const passed = new LRUCache<string, number>({ max: 5_000 })
  // One count for all: a credential that was dropped for others does not begin anew at a number it had before.
  let count = 0
  return {
    of: (cacheKey) => passed.get(cacheKey) ?? 0,
    pass(cacheKey) {
      passed.set(cacheKey, ++count)
    },
  }
}

/** Whether it may change where something lives: what only reads, whatever it reveals, does not. */
export function isWrite(invocation: Invocation): boolean {
  return [...invocation.effects, ...invocation.added].some(
    (effect) => effect !== 'read' && effect !== 'secret',
  )
}

/** What a request that was sent with an approval, or was to be, makes of it. */
import type { Approval } from '../approval/store.ts'
import type { Failure } from './failure.ts'
import type { KeptAnswer } from './kept-answer.ts'

/** How a request that was sent with an approval ended. */
export type Settlement =
  | { readonly kind: 'answered'; readonly answer?: KeptAnswer | undefined }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'not_sent'; readonly reason: string }

/** How long an answer is kept for the agent to fetch, in milliseconds. */
export const answerKeptMs = 3_600_000

/** How long an agent is told that the broker could not send what was approved, in milliseconds. */
const notSentStandsMs = 60_000

/** In milliseconds: for how long the outcome answers for the same request. Whoever sent it has been answered already. */
export function standsFor(
  { execute }: Approval,
  outcome: ReturnType<typeof outcomeOf>['outcome'],
): number {
  switch (outcome) {
    case 'done':
      return execute === 'broker' ? answerKeptMs : 0
    case 'unknown':
      return answerKeptMs
    case 'cancelled':
      return execute === 'broker' ? notSentStandsMs : 0
  }
}

export function outcomeOf(settlement: Settlement): {
  readonly outcome: 'done' | 'unknown' | 'cancelled'
  readonly reason?: string
} {
  switch (settlement.kind) {
    case 'answered':
      return { outcome: 'done' }
    case 'not_sent':
      return { outcome: 'cancelled', reason: settlement.reason }
    case 'failed': {
      const { code, details } = settlement.failure
      // Of these it is certain that nothing has left.
      return code === 'upstream_unreachable' || code === 'unavailable'
        ? { outcome: 'cancelled', reason: details.detail }
        : { outcome: 'unknown' }
    }
  }
}

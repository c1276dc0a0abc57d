/** On what terms a person is asked: what a grant says, and what its environment says of every grant in it. */
import { approverRules, type ApproverRule } from './approval.ts'
import type { Precondition } from './precondition.ts'

export type ApprovalTerms = {
  /** Seconds in which somebody must decide; silence is a no. */
  readonly expirySeconds?: number | undefined
  /** Seconds for which a call is held open for its decision, for clients that never send `Prefer: wait`. */
  readonly waitSeconds?: number | undefined
  /** Who sends an approved request: the agent, by sending it again, or the broker, which keeps the answer for it. */
  readonly execute?: 'agent' | 'broker' | undefined
  /** Seconds for which an approved request is held, and can be cancelled, before the broker sends it. */
  readonly holdSeconds?: number | undefined
  readonly approver?: ApproverRule | undefined
  /** What must hold before anybody is asked. */
  readonly preconditions?: readonly Precondition[] | undefined
}

export type EnvironmentTerms = Pick<ApprovalTerms, 'holdSeconds' | 'approver' | 'preconditions'> & {
  /** Seconds for which only the environment's owners are asked; then every approver is. */
  readonly escalateSeconds?: number | undefined
}

export const defaultTerms = {
  expirySeconds: 300,
  waitSeconds: 0,
  execute: 'agent',
  holdSeconds: 0,
  approver: 'anyone',
  escalateSeconds: 120,
} as const

/** The longest that a call is held open, in seconds: beyond it, clients and proxies between have long given up. */
export const longestWait = 120

export type EffectiveTerms = {
  readonly expirySeconds: number
  readonly waitSeconds: number
  readonly execute: 'agent' | 'broker'
  readonly holdSeconds: number
  readonly approver: ApproverRule
  readonly escalateSeconds: number
  readonly preconditions: readonly Precondition[]
}

/** The stricter of both, where both speak. Only the broker can hold a request: an undo window means that it sends. */
export function effectiveTerms(
  grant: ApprovalTerms,
  environment: EnvironmentTerms = {},
): EffectiveTerms {
  const holdSeconds = Math.max(grant.holdSeconds ?? 0, environment.holdSeconds ?? 0)
  return {
    expirySeconds: grant.expirySeconds ?? defaultTerms.expirySeconds,
    waitSeconds: grant.waitSeconds ?? defaultTerms.waitSeconds,
    execute: holdSeconds > 0 ? 'broker' : (grant.execute ?? defaultTerms.execute),
    holdSeconds,
    approver: stricter(
      grant.approver ?? defaultTerms.approver,
      environment.approver ?? defaultTerms.approver,
    ),
    preconditions: [...(grant.preconditions ?? []), ...(environment.preconditions ?? [])],
    escalateSeconds: environment.escalateSeconds ?? defaultTerms.escalateSeconds,
  }
}

/** In `approverRules` each is stricter than the one before. */
function stricter(one: ApproverRule, other: ApproverRule): ApproverRule {
  return approverRules.indexOf(one) >= approverRules.indexOf(other) ? one : other
}

/**
 * Whether these terms ask less of people than `now` does. Of the terms that a request was parked on: who decides, how long
 * it is held, and how long they may take; preconditions are looked at again when it leaves.
 */
export function weakerThan(
  parked: Pick<EffectiveTerms, 'approver' | 'holdSeconds' | 'expirySeconds'>,
  now: EffectiveTerms,
): boolean {
  return (
    stricter(parked.approver, now.approver) !== parked.approver ||
    parked.holdSeconds < now.holdSeconds ||
    parked.expirySeconds > now.expirySeconds
  )
}

/** Whether `next` asks at least as much of people as `before`, so that nobody need give a password for it. */
export function notWeaker(before: ApprovalTerms, next: ApprovalTerms): boolean {
  const a = effectiveTerms(before)
  const b = effectiveTerms(next)
  return (
    b.holdSeconds >= a.holdSeconds &&
    stricter(a.approver, b.approver) === b.approver &&
    b.expirySeconds <= a.expirySeconds &&
    b.waitSeconds === a.waitSeconds &&
    b.execute === a.execute &&
    a.preconditions.every((kept) =>
      b.preconditions.some(
        ({ name, maxAgeSeconds }) => name === kept.name && maxAgeSeconds <= kept.maxAgeSeconds,
      ),
    )
  )
}

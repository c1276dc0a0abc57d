/**
 * The questions of one request for facts, or for a precondition: bounded in number and in time, each asked once. What is
 * not established stays a reason, and is told as one.
 */
import type { Invocation } from '../../core/operation.ts'
import type { Ask } from '../adapter.ts'
import { askWithin } from '../deadline.ts'
import { Unestablished } from '../unestablished.ts'
import { spelling, valuesAt } from '../answer.ts'
import type { FactRules, ListRule, Question } from './rule.ts'
import { isSame, timeOf } from './value.ts'

/** All questions together, in milliseconds. */
export const factTime = 8_000
/** Questions that one request for facts may cost. */
export const mostQuestions = 12
/** How far the provider's clock may be ahead of ours, in milliseconds. */
export const clockSkew = 300_000

export type FactClocks = {
  /** Milliseconds; never goes back. */
  readonly now: () => number
  /** Milliseconds since the epoch: how old a backup is. */
  readonly date: () => number
}

/** How a provider is asked. `answer` throws Unestablished for whatever is not a whole answer to the question. */
export type FactSource = {
  readonly facts: FactRules
  answer(question: Question, invocation: Invocation, ask: Ask): Promise<unknown>
}

export type Asked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

export type Asking = (question: Question, invocation: Invocation) => Promise<Asked<unknown>>

const reasons: Readonly<Record<Unestablished['why'], string>> = {
  not_found: 'the provider does not have it',
  lookup_failed: 'the provider did not answer it, or not in time',
  view_incomplete: 'the provider did not answer it in full',
  outside_container: 'it stands outside of what was asked about',
  no_resolver: 'the request does not say enough to ask about it',
  too_many: 'it would have taken too many questions',
}

export function asking(
  source: FactSource,
  ask: Ask,
  now: () => number,
  milliseconds: number = factTime,
): Asking {
  const within = askWithin(ask, milliseconds, now)
  const asked = new Map<string, Promise<Asked<unknown>>>()
  return (question, invocation) => {
    // Two rules about one answer ask once; what it must be the same as is looked at for each.
    const { same, ...put } = question
    const key = JSON.stringify([put, invocation.arguments])
    let answer = asked.get(key)
    if (answer === undefined) {
      answer =
        asked.size >= mostQuestions
          ? Promise.resolve({ ok: false, why: reasons.too_many })
          : attempt(() => source.answer(question, invocation, within))
      asked.set(key, answer)
    }
    return answer.then((found) =>
      found.ok && same !== undefined && !isSame(found.value, same, invocation.arguments)
        ? { ok: false, why: 'the answer is about something else' }
        : found,
    )
  }
}

/** Only a failure to establish something is caught: whatever else is thrown is a mistake of ours. */
async function attempt(find: () => Promise<unknown>): Promise<Asked<unknown>> {
  try {
    return { ok: true, value: await find() }
  } catch (error) {
    if (!(error instanceof Unestablished)) throw error
    return { ok: false, why: reasons[error.why] }
  }
}

export type Listed = {
  readonly items: readonly unknown[]
  /** False where the answer says that the list goes on. */
  readonly complete: boolean
}

/** The items of an answer that count; undefined where it is no list. */
export function listIn(json: unknown, rule: ListRule, invocation: Invocation): Listed | undefined {
  const lists = valuesAt(json, rule.items)
  if (lists.length === 0 || !lists.every((one) => Array.isArray(one))) return undefined
  const list: readonly unknown[] = lists.flat()
  const { only = [], more, page = Number.POSITIVE_INFINITY } = rule
  const items = list.filter((item) =>
    only.every((same) => isSame(item, same, invocation.arguments)),
  )
  const goesOn = more === undefined ? [] : valuesAt(json, more)
  const ends = goesOn.every((mark) => mark === false || mark === '')
  return { items, complete: ends && list.length < page }
}

export type Dated = { readonly item: unknown; readonly at: number }

/** Newest first; items without a time that can be read are left out. */
export function dated(items: readonly unknown[], rule: ListRule): readonly Dated[] {
  const { made } = rule
  if (made === undefined) return []
  return items
    .flatMap((item): readonly Dated[] => {
      const [value] = valuesAt(item, made.at)
      const at = timeOf(value, made.as)
      return at === undefined ? [] : [{ item, at }]
    })
    .toSorted((a, b) => b.at - a.at)
}

export function nameOf(json: unknown, at: string | undefined): string | undefined {
  const [value] = at === undefined ? [] : valuesAt(json, at)
  const name = spelling(value)
  return name === '' ? undefined : name
}

export function isDestructive({ effects, added }: Invocation): boolean {
  return effects.includes('destructive') || added.includes('destructive')
}

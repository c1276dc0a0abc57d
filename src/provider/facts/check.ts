/**
 * Whether there is a backup, young enough, of all that a request destroys, by the lists of backups that a manifest names.
 * Met only where every destructive operation of the request has such a list and a young one is in it. A backup that dies
 * with what it is of, or that nobody could list, is none.
 */
import type { Invocation } from '../../core/operation.ts'
import type { Precondition, PreconditionAnswer, PreconditionName } from '../../core/precondition.ts'
import type { LocateContext } from '../adapter.ts'
import {
  asking,
  clockSkew,
  dated,
  isDestructive,
  listIn,
  type Asking,
  type FactClocks,
  type FactSource,
} from './ask.ts'
import { rulesFor } from './facts.ts'
import type { FactRules, ListRule } from './rule.ts'
import { age } from './value.ts'

type Kept = NonNullable<ListRule['backups']>

const counts: Readonly<Record<PreconditionName, readonly Kept[]>> = {
  newest_independent_backup: ['independent'],
  newest_surviving_backup: ['independent', 'survive'],
}

/** Those that some list of backups can say anything about. */
export function preconditionsOf({ rules }: FactRules): readonly PreconditionName[] {
  const named = rules.some((rule) => rule.is === 'list' && rule.backups !== undefined)
  return named ? ['newest_independent_backup', 'newest_surviving_backup'] : []
}

export function checkByRules(
  source: FactSource,
  { now, date }: FactClocks,
  milliseconds?: number,
): (
  precondition: Precondition,
  invocations: readonly Invocation[],
  context: LocateContext,
) => Promise<PreconditionAnswer> {
  const { rules, dataless = [] } = source.facts
  const lists = rules.filter(
    (rule): rule is ListRule => rule.is === 'list' && rule.backups !== undefined,
  )
  return async (precondition, invocations, context) => {
    const ask = asking(source, context.ask, now, milliseconds)
    const harmful = invocations.filter(
      (invocation) => isDestructive(invocation) && !dataless.includes(invocation.operation),
    )
    for (const invocation of harmful) {
      const own = rulesFor(lists, invocation)
      const answer = await backupOf(precondition, invocation, own, ask, date())
      if (answer.result !== 'met') return answer
    }
    return {
      result: 'met',
      detail:
        harmful.length === 0
          ? 'No data is at stake.'
          : 'All that is at stake has a backup that is young enough.',
    }
  }
}

async function backupOf(
  { name, maxAgeSeconds }: Precondition,
  invocation: Invocation,
  lists: readonly ListRule[],
  ask: Asking,
  date: number,
): Promise<PreconditionAnswer> {
  const { operation } = invocation
  if (lists.length === 0)
    return unknown(`There is no look-up for the backups of what ${operation} destroys.`)
  const useful = lists.filter(
    ({ backups }) => backups !== undefined && counts[name].includes(backups),
  )
  if (useful.length === 0)
    return unmet(
      name === 'newest_independent_backup'
        ? `The provider names no backup of what ${operation} destroys that is kept outside it.`
        : `The backups of what ${operation} destroys die with it.`,
    )
  let doubt: string | undefined
  let newest = Number.NEGATIVE_INFINITY
  for (const rule of useful) {
    const asked = await ask(rule.ask, invocation)
    const listed = asked.ok ? listIn(asked.value, rule, invocation) : undefined
    if (listed === undefined) {
      doubt ??= `The backups of what ${operation} destroys could not be asked for.`
      continue
    }
    const times = dated(listed.items, rule)
    const past = times.filter(({ at }) => at <= date + clockSkew)
    if (past.length < listed.items.length)
      doubt ??= `A backup of what ${operation} destroys is dated in the future, or not at all.`
    if (!listed.complete) doubt ??= `There are more backups than could be listed.`
    newest = Math.max(newest, past[0]?.at ?? Number.NEGATIVE_INFINITY)
  }
  if (date - newest <= maxAgeSeconds * 1000) return { result: 'met', detail: 'There is one.' }
  if (doubt !== undefined) return unknown(doubt)
  return unmet(
    newest === Number.NEGATIVE_INFINITY
      ? `No backup of what ${operation} destroys would be left.`
      : `The newest backup of what ${operation} destroys is ${age(date - newest)}.`,
  )
}

function unknown(detail: string): PreconditionAnswer {
  return { result: 'unknown', detail }
}

function unmet(detail: string): PreconditionAnswer {
  return { result: 'unmet', detail }
}

/**
 * Whether all data that a request may harm has a backup that is young enough. Met only where every instance at stake was
 * asked about and has one; an operation that does not say what it harms has all data of its environments at stake.
 */
import type { Invocation } from '../../core/operation.ts'
import type { Precondition, PreconditionAnswer, PreconditionName } from '../../core/precondition.ts'
import type { LocateContext } from '../adapter.ts'
import { clockSkew, type FactClocks } from '../facts/ask.ts'
import { age, quotedName } from '../facts/value.ts'
import { stakesOf, unlisted } from './stake.ts'
import { mostInstances, survey, withBackups } from './survey.ts'
import { newestKept } from './volume-facts.ts'

export const preconditions: readonly PreconditionName[] = [
  'newest_independent_backup',
  'newest_surviving_backup',
]

export function railwayCheck(
  { now, date }: FactClocks,
  milliseconds?: number,
): (
  precondition: Precondition,
  invocations: readonly Invocation[],
  context: LocateContext,
) => Promise<PreconditionAnswer> {
  return async ({ name, maxAgeSeconds }, invocations, context) => {
    const surveyed = await survey(context, now, milliseconds)
    if (surveyed.failures.length > 0)
      return unknown(`Railway could not be asked about ${surveyed.failures.join('; ')}.`)
    if (surveyed.bound.size === 0) return unknown('No Railway environment is bound.')
    const [missing] = unlisted(invocations, surveyed.holdings)
    if (missing !== undefined)
      return unknown(`Railway does not list ${quotedName(missing)}, which the request names.`)
    const stakes = stakesOf(invocations, surveyed.holdings, surveyed.bound)
    const [any] = stakes
    if (any === undefined) return { result: 'met', detail: 'No data on a volume is at stake.' }
    if (name === 'newest_independent_backup')
      return unmet(
        `Railway names no backup of the volume ${quotedName(any.volume.name)} that is kept outside it.`,
      )
    for (const { fate, volume } of stakes) {
      const which = quotedName(volume.name)
      if (fate === 'dies' || fate === 'wiped')
        return unmet(`The backups of the volume ${which} die with it.`)
      if (fate !== 'kept')
        return unknown(`Railway does not say which backups of the volume ${which} outlast this.`)
    }
    if (stakes.length > mostInstances) return unknown('Too many volumes are at stake to ask about.')
    for (const stake of await withBackups(stakes, surveyed.asker)) {
      const which = quotedName(stake.volume.name)
      const newest = newestKept(stake)
      if (newest === 'unknown') return unknown(`The backups of ${which} could not be asked for.`)
      if (newest === undefined) return unmet(`No backup of the volume ${which} would be left.`)
      const passed = date() - newest.createdAt
      if (passed < -clockSkew)
        return unknown(`The newest backup of ${which} is dated in the future.`)
      if (passed > maxAgeSeconds * 1000)
        return unmet(`The newest backup of the volume ${which} is ${age(passed)}.`)
    }
    return { result: 'met', detail: 'Each volume at stake has a backup that is young enough.' }
  }
}

function unknown(detail: string): PreconditionAnswer {
  return { result: 'unknown', detail }
}

function unmet(detail: string): PreconditionAnswer {
  return { result: 'unmet', detail }
}

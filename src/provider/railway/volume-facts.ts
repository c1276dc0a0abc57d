/**
 * What is told of each volume at stake: its size, what becomes of each instance, and of the backups. Its id too: whoever
 * may write in an environment can give a volume the name of another.
 */
import type { ShownFact } from '../../core/approval.ts'
import { moment, quotedName, size } from '../facts/value.ts'
import type { Backup } from './inventory.ts'
import type { Fate } from './stake.ts'
import type { StakeWithBackups } from './survey.ts'

/** The name of an environment or service by its id, or the id where there is no name; quoted. */
export type Naming = { environment(id: string): string; service(id: string): string }

/** Volumes that are described one by one. */
const mostVolumes = 8

const becomes: Readonly<Record<Fate, string>> = {
  dies: 'deleted with its data',
  wiped: 'replaced by an empty volume',
  replaced: 'its data is replaced by that of the backup',
  unsaid: 'Railway does not say what becomes of it',
  at_risk: 'the request does not say what becomes of it',
  kept: 'stays',
}

export function volumeFacts(
  stakes: readonly StakeWithBackups[],
  naming: Naming,
  date: number,
): readonly ShownFact[] {
  const volumes = Map.groupBy(stakes, ({ volume }) => volume.id)
  const facts: ShownFact[] = []
  for (const own of [...volumes.values()].slice(0, mostVolumes)) {
    const [first] = own
    if (first === undefined) continue
    const { volume } = first
    const name = quotedName(volume.name)
    facts.push({
      label: `Volume ${name}`,
      value: `${sizes(volume.instances)}; instances: ${String(volume.instances.length)}, of which this reaches ${String(own.length)}; id ${volume.id}`,
    })
    for (const stake of own) {
      const where = naming.environment(stake.instance.environment)
      facts.push({
        label: `Instance of ${name} in ${where}`,
        value: describe(stake, naming),
      })
      facts.push(...backupFacts(stake, `${name} in ${where}`, date))
    }
    facts.push({
      label: `Newest backup of ${name} that would survive`,
      value: survivor(own, date),
    })
  }
  const rest = [...volumes.values()].slice(mostVolumes).flat()
  if (rest.length > 0)
    facts.push({
      label: 'More volumes',
      value: `${String(volumes.size - mostVolumes)} more, not told one by one: ${sizes(rest.map(({ instance }) => instance))}`,
    })
  return facts
}

function describe({ instance, fate }: StakeWithBackups, naming: Naming): string {
  const mounted =
    instance.service === undefined
      ? 'mounted by no service'
      : `mounted by ${naming.service(instance.service)}`
  const state = instance.state === undefined ? '' : `; state ${instance.state}`
  return `${becomes[fate]}; ${sizes([instance])}; ${mounted} at ${quotedName(instance.mountPath)}${state}`
}

function backupFacts(stake: StakeWithBackups, name: string, date: number): readonly ShownFact[] {
  const { backups, fate, deletedBackups } = stake
  const label =
    fate === 'dies'
      ? `Backups that die with ${name}`
      : fate === 'wiped'
        ? `Backups that may die with ${name}`
        : `Backups of ${name}`
  if (!backups.ok) return [{ label, value: `could not be asked: ${backups.why}` }]
  const { backups: all, schedules } = backups.value
  const doomed = all.filter(({ id }) => deletedBackups.has(id))
  const facts: ShownFact[] = doomed.map((backup) => ({
    label: `Backup that is deleted from ${name}`,
    value: told(backup, date),
  }))
  const rest = all.filter(({ id }) => !deletedBackups.has(id))
  const [newest] = rest
  const number = doomed.length > 0 ? `${String(rest.length)} other` : String(rest.length)
  const schedule = schedules.length === 0 ? 'no schedule' : `schedule ${schedules.join(', ')}`
  facts.push({
    label,
    value: `${number}${newest === undefined ? '' : `; the newest is ${told(newest, date)}`}; ${schedule}`,
  })
  return facts
}

/** Of all that is at stake of one volume: the data of one instance has no backup in another. */
function survivor(stakes: readonly StakeWithBackups[], date: number): string {
  const none = 'Railway names no backup of it that is kept outside it'
  if (stakes.some(({ fate }) => fate === 'dies' || fate === 'wiped')) return `none: ${none}`
  if (stakes.some(({ fate }) => fate !== 'kept'))
    return `not known: Railway does not say which of its backups outlast this; ${none}`
  const newest = stakes.map(newestKept)
  if (newest.includes('unknown')) return 'could not be asked'
  const oldest = newest
    .filter((backup) => backup !== undefined && backup !== 'unknown')
    .toSorted((a, b) => a.createdAt - b.createdAt)[0]
  if (oldest === undefined || newest.includes(undefined)) return `none; ${none}`
  return `${told(oldest, date)}, kept with the volume; ${none}`
}

/** The newest backup of an instance that this request does not delete; undefined where there is none. */
export function newestKept({
  backups,
  deletedBackups,
}: StakeWithBackups): Backup | undefined | 'unknown' {
  if (!backups.ok) return 'unknown'
  return backups.value.backups.find(({ id }) => !deletedBackups.has(id))
}

function told({ name, createdAt, usedMB }: Backup, date: number): string {
  const used = usedMB === undefined ? '' : `, ${size(usedMB)}`
  return `${name === undefined ? 'one without a name' : quotedName(name)} of ${moment(createdAt, date)}${used}`
}

function sizes(instances: readonly { readonly usedMB: number; readonly sizeMB: number }[]): string {
  const used = instances.reduce((sum, { usedMB }) => sum + usedMB, 0)
  const whole = instances.reduce((sum, { sizeMB }) => sum + sizeMB, 0)
  return `${size(used)} used of ${size(whole)}`
}

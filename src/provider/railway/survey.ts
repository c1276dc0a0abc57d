/**
 * One request's survey: the projects of the environments that are bound, their volumes, and the backups of what is at
 * stake. The number of questions and their time are bounded; what was not answered stays a failure and is told as one.
 */
import type { LocateContext } from '../adapter.ts'
import { askWithin } from '../deadline.ts'
import { Unestablished } from '../unestablished.ts'
import { askBackups, askProject, askVolumes, type Backups } from './inventory.ts'
import { same } from './home.ts'
import { Asker, text } from './question.ts'
import type { Holdings, Stake } from './stake.ts'

/** All questions of one survey together, in milliseconds. */
export const surveyTime = 8_000
/** Bound environments whose projects are surveyed, and instances whose backups are asked for. */
const mostEnvironments = 5
export const mostInstances = 10

export type Asked<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

export type Survey = {
  readonly asker: Asker
  readonly bound: ReadonlySet<string>
  readonly holdings: readonly Holdings[]
  /** What could not be asked, a sentence without its end each. */
  readonly failures: readonly string[]
}

const prefix = 'environment:'

/** Only a failure to establish something is caught: whatever else is thrown is a mistake of ours. */
export async function attempt<T>(find: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { ok: true, value: await find() }
  } catch (error) {
    if (!(error instanceof Unestablished)) throw error
    return { ok: false, why: reasons[error.why] }
  }
}

const reasons: Readonly<Record<Unestablished['why'], string>> = {
  not_found: 'Railway did not have it where it was asked for',
  lookup_failed: 'Railway did not answer it, or not in time',
  view_incomplete: 'Railway did not answer it in full',
  outside_container: 'it stands outside of what was asked about',
  no_resolver: 'there is no way to ask for it',
  too_many: 'it would have taken too many questions',
}

/** `now` is a clock in milliseconds that never goes back. */
export async function survey(
  context: LocateContext,
  now: () => number,
  milliseconds: number = surveyTime,
): Promise<Survey> {
  const asker = new Asker(askWithin(context.ask, milliseconds, now))
  const bound = new Set(
    [...context.bound].flatMap((name) =>
      name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
    ),
  )
  const failures: string[] = []
  const holdings: Holdings[] = []
  const done = new Set<string>()
  for (const environment of [...bound].slice(0, mostEnvironments)) {
    const owner = await attempt(() => projectOf(environment, asker))
    if (!owner.ok) {
      failures.push(`the project of the environment ${environment}: ${owner.why}`)
      continue
    }
    if (done.has(owner.value)) continue
    done.add(owner.value)
    const project = await attempt(() => askProject(owner.value, asker))
    const volumes = await attempt(() => askVolumes(owner.value, asker))
    if (!project.ok) failures.push(`the names in the project ${owner.value}: ${project.why}`)
    if (!volumes.ok) failures.push(`the volumes of the project ${owner.value}: ${volumes.why}`)
    holdings.push({
      project: project.ok ? project.value : nameless(owner.value),
      volumes: volumes.ok ? volumes.value : [],
    })
  }
  if (bound.size > mostEnvironments)
    failures.push(`${String(bound.size - mostEnvironments)} more of the environments: not asked`)
  return { asker, bound, holdings, failures }
}

function nameless(id: string): Holdings['project'] {
  const none = { complete: false, names: new Map<string, string>() }
  return { id, name: '', environments: none, services: none, buckets: none }
}

async function projectOf(environment: string, asker: Asker): Promise<string> {
  const data = await asker.data('query ($id: String!) { environment(id: $id) { id projectId } }', {
    id: environment,
  })
  return text(same(data['environment'], environment), 'projectId')
}

export type StakeWithBackups = Stake & { readonly backups: Asked<Backups> }

/** Asks for the backups of what is at stake, the fullest instances first. */
export async function withBackups(
  stakes: readonly Stake[],
  asker: Asker,
): Promise<readonly StakeWithBackups[]> {
  const sorted = stakes.toSorted((a, b) => b.instance.usedMB - a.instance.usedMB)
  return Promise.all(
    sorted.map(async (stake, i) => ({
      ...stake,
      backups:
        i < mostInstances
          ? await attempt(() => askBackups(stake.instance.id, asker))
          : { ok: false as const, why: reasons.too_many },
    })),
  )
}

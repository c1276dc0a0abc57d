/**
 * What an approver is told of a request to Railway: the names of what it names, and what would be lost. Of a volume that
 * is its size, its instances, the backups that die with it, and whether any would survive: Railway keeps the backups of
 * a volume with the volume, and its schema names none that is kept elsewhere. What could not be asked is told as that.
 * Names are quoted as JSON, so that none of them can pose as the words around it.
 */
import type { ShownFact } from '../../core/approval.ts'
import { objectKey, type KnownObject, type ShownFacts } from '../../core/approval-facts.ts'
import { place, type Invocation } from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import type { FactClocks } from '../facts/ask.ts'
import { quotedName, size } from '../facts/value.ts'
import { askBucket, askEnvironment, count, type Names } from './inventory.ts'
import {
  deletedIn,
  harmsUnsaid,
  isDestructive,
  projectDeletions,
  stakesOf,
  unlisted,
  type Holdings,
} from './stake.ts'
import { attempt, survey, withBackups, type StakeWithBackups, type Survey } from './survey.ts'
import { volumeFacts, type Naming } from './volume-facts.ts'

/** Buckets whose content is asked for. */
const mostBuckets = 4
/** Names that one fact lists. */
const mostNames = 12

export function railwayFacts(
  { now, date }: FactClocks,
  milliseconds?: number,
): (invocations: readonly Invocation[], context: LocateContext) => Promise<ShownFacts> {
  return async (invocations, context) => {
    const surveyed = await survey(context, now, milliseconds)
    const stakes = await withBackups(
      stakesOf(invocations, surveyed.holdings, new Set()),
      surveyed.asker,
    )
    const naming = namesIn(surveyed.holdings)
    const facts = [
      ...surveyed.failures.map((failure) => ({ label: 'Could not be asked', value: failure })),
      ...unsaid(invocations),
      ...unknownLosses(invocations, surveyed),
      ...(await wholes(invocations, surveyed, naming)),
      ...volumeFacts(stakes, naming, date()),
    ]
    return { objects: objects(invocations, surveyed, stakes), facts }
  }
}

function namesIn(holdings: readonly Holdings[]): Naming {
  const find = (pick: (project: Holdings['project']) => Names) => (id: string) => {
    for (const { project } of holdings) {
      const name = pick(project).names.get(id)
      if (name !== undefined) return quotedName(name)
    }
    return quotedName(id)
  }
  return {
    environment: find(({ environments }) => environments),
    service: find(({ services }) => services),
  }
}

function objects(
  invocations: readonly Invocation[],
  { holdings }: Survey,
  stakes: readonly StakeWithBackups[],
): ReadonlyMap<string, KnownObject> {
  const known = new Map<string, KnownObject>()
  const named = (kind: string, { names }: Names): void => {
    for (const [id, name] of names) known.set(objectKey({ kind, id }), { name })
  }
  for (const { project, volumes } of holdings) {
    if (project.name !== '')
      known.set(objectKey({ kind: 'project', id: project.id }), { name: project.name })
    named('environment', project.environments)
    named('service', project.services)
    named('bucket', project.buckets)
    for (const { id, name, instances } of volumes) {
      const places = instances.map(({ environment }) => place('environment', environment))
      known.set(objectKey({ kind: 'volume', id }), { name, places })
      for (const instance of instances) {
        known.set(objectKey({ kind: 'volumeInstance', id: instance.id }), {
          places: [place('environment', instance.environment)],
        })
      }
    }
  }
  for (const { backups } of stakes) {
    if (!backups.ok) continue
    for (const { id, name } of backups.value.backups)
      if (name !== undefined) known.set(objectKey({ kind: 'backup', id }), { name })
  }
  const asked = new Set(invocations.flatMap(({ resources }) => resources.map(objectKey)))
  return new Map([...known].filter(([key]) => asked.has(key)))
}

function unsaid(invocations: readonly Invocation[]): readonly ShownFact[] {
  return invocations.filter(harmsUnsaid).map(({ operation }) => ({
    label: 'Not known',
    value: `${operation} can harm more than what it names; what it does to the data of its environments is not told by the request.`,
  }))
}

/** What a destructive operation names and Railway did not list: nothing is known of it. */
function unknownLosses(
  invocations: readonly Invocation[],
  { holdings }: Survey,
): readonly ShownFact[] {
  return unlisted(invocations, holdings).map((id) => ({
    label: `What is lost with ${quotedName(id)}`,
    value: 'could not be asked: it is not among the things that Railway listed',
  }))
}

/** What a project, an environment or a bucket holds that is deleted whole. */
async function wholes(
  invocations: readonly Invocation[],
  surveyed: Survey,
  naming: Naming,
): Promise<readonly ShownFact[]> {
  const facts: ShownFact[] = []
  const buckets = new Set<string>()
  const environments = new Set<string>()
  for (const invocation of invocations.filter(isDestructive)) {
    for (const ref of invocation.resources) {
      const { kind, id } = ref
      if (kind === 'project' && projectDeletions.has(invocation.operation)) {
        const holding = surveyed.holdings.find(({ project }) => project.id === id)
        facts.push({
          label: `Project ${quotedName(holding?.project.name || id)}`,
          value: holding === undefined ? 'could not be asked' : contentOf(holding),
        })
        for (const bucket of holding?.project.buckets.names.keys() ?? []) buckets.add(bucket)
        for (const name of holding?.project.environments.names.keys() ?? []) environments.add(name)
      }
      if (kind === 'environment' && invocation.operation === 'environmentDelete') {
        facts.push(await environmentFact(id, surveyed, naming))
        environments.add(id)
        for (const { project } of surveyed.holdings)
          if (project.environments.names.has(id))
            for (const bucket of project.buckets.names.keys()) buckets.add(bucket)
      }
      if (kind === 'bucket' && deletedIn(invocation, ref)) {
        buckets.add(id)
        for (const environment of surveyed.bound) environments.add(environment)
      }
    }
  }
  return [...facts, ...(await bucketFacts([...buckets], [...environments], surveyed, naming))]
}

function contentOf({ project, volumes }: Holdings): string {
  const { environments, services, buckets } = project
  return [
    `environments: ${listed(environments)}`,
    `services: ${listed(services)}`,
    `volumes: ${String(volumes.length)}`,
    `buckets: ${listed(buckets)}`,
  ].join('; ')
}

function listed({ complete, names }: Names): string {
  const shown = [...names.values()].slice(0, mostNames).map(quotedName)
  const number = count(names.size, complete)
  if (shown.length === 0) return number
  return `${number} (${shown.join(', ')}${names.size > shown.length || !complete ? ', …' : ''})`
}

async function environmentFact(id: string, { asker }: Survey, naming: Naming): Promise<ShownFact> {
  const label = `Environment ${naming.environment(id)}`
  const asked = await attempt(() => askEnvironment(id, asker))
  if (!asked.ok) return { label, value: `could not be asked: ${asked.why}` }
  const { services, variables } = asked.value
  const names = [...services.names.keys()]
    .slice(0, mostNames)
    .map((service) => naming.service(service))
  const of = names.length === 0 ? '' : ` (${names.join(', ')})`
  return {
    label,
    value: `services in it: ${count(services.names.size, services.complete)}${of}; variables: ${variables}`,
  }
}

async function bucketFacts(
  buckets: readonly string[],
  environments: readonly string[],
  { asker, holdings }: Survey,
  naming: Naming,
): Promise<readonly ShownFact[]> {
  const pairs = buckets.flatMap((bucket) =>
    environments.map((environment) => ({ bucket, environment })),
  )
  const facts = await Promise.all(
    pairs.slice(0, mostBuckets).map(async ({ bucket, environment }) => {
      const name = holdings
        .map(({ project }) => project.buckets.names.get(bucket))
        .find((found) => found !== undefined)
      const label = `Bucket ${quotedName(name ?? bucket)} in ${naming.environment(environment)}`
      const asked = await attempt(() => askBucket(bucket, environment, asker))
      if (!asked.ok) return { label, value: `could not be asked: ${asked.why}` }
      if (asked.value === undefined) return { label, value: 'Railway says nothing of its content' }
      const { objects: number, bytes } = asked.value
      return { label, value: `${number} objects, ${size(bytes / 1e6)}` }
    }),
  )
  const more = pairs.length - facts.length
  return more > 0
    ? [...facts, { label: 'More buckets', value: `${String(more)} not asked` }]
    : facts
}

/**
 * What a project holds, by Railway's own answer: names, volumes with their instances, and the backups of an instance.
 * Only ids, names, sizes and times are asked for; nothing that could hold a secret.
 */
import { Unestablished } from '../unestablished.ts'
import { page, same, seen } from './home.ts'
import { connection, follow, isAnswer, text, type Answer, type Asker } from './question.ts'

/** `complete` is false where there are more than were asked for. */
export type Names = { readonly complete: boolean; readonly names: ReadonlyMap<string, string> }

export type Project = {
  readonly id: string
  /** Empty where it could not be asked. */
  readonly name: string
  readonly environments: Names
  readonly services: Names
  readonly buckets: Names
}

export type VolumeInstance = {
  readonly id: string
  readonly environment: string
  /** Undefined where no service has it mounted. */
  readonly service: string | undefined
  readonly mountPath: string
  readonly usedMB: number
  readonly sizeMB: number
  readonly state: string | undefined
}

export type Volume = {
  readonly id: string
  readonly name: string
  readonly instances: readonly VolumeInstance[]
}

export type Backup = {
  readonly id: string
  readonly name: string | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly usedMB: number | undefined
}

export type Backups = {
  /** The newest first. */
  readonly backups: readonly Backup[]
  readonly schedules: readonly string[]
}

const named = `{ ${page} edges { node { id name } } }`
const projectQuery = `query ($id: String!) { project(id: $id) { id name environments(first: 100) ${named} services(first: 100) ${named} buckets(first: 100) ${named} } }`
const volumeQuery = `query ($id: String!, $after: String, $inner: String) { project(id: $id) { volumes(first: 50, after: $after) { ${page} edges { node { id name volumeInstances(first: 50, after: $inner) { ${page} edges { node { id environmentId serviceId mountPath currentSizeMB sizeMB state } } } } } } } }`
const backupQuery =
  'query ($id: String!) { volumeInstanceBackupList(volumeInstanceId: $id) { id name createdAt usedMB } volumeInstanceBackupScheduleList(volumeInstanceId: $id) { kind } }'
const environmentQuery = `query ($id: String!) { environment(id: $id) { id serviceInstances(first: 100) { ${page} edges { node { serviceId } } } variables(first: 100) { ${page} edges { node { id } } } } }`
const bucketQuery =
  'query ($id: String!, $environment: String!) { bucketInstanceDetails(bucketId: $id, environmentId: $environment) { objectCount sizeBytes } }'

/** The operations by which all of this is asked. */
export const asks: readonly string[] = [
  'query:environment',
  'query:project',
  'volumeInstanceBackupList',
  'volumeInstanceBackupScheduleList',
  'bucketInstanceDetails',
]

/** Each of these throws Unestablished. */
export async function askProject(id: string, asker: Asker): Promise<Project> {
  const answer = same((await asker.data(projectQuery, { id }))['project'], id)
  return {
    id,
    name: text(answer, 'name'),
    environments: namesOf(answer['environments']),
    services: namesOf(answer['services']),
    buckets: namesOf(answer['buckets']),
  }
}

function namesOf(value: unknown): Names {
  const { nodes, next } = connection(value)
  return {
    complete: next === undefined,
    names: new Map(nodes.map((node) => [text(node, 'id'), text(node, 'name')])),
  }
}

/** All volumes of a project with all of their instances. */
export async function askVolumes(project: string, asker: Asker): Promise<readonly Volume[]> {
  const volumes: Volume[] = []
  const pages = new Set<string>()
  let after: string | null = null
  for (;;) {
    const data = await asker.data(volumeQuery, { id: project, after, inner: null })
    const outer = connection(follow(data, ['project', 'volumes']))
    for (const node of outer.nodes) volumes.push(await volumeOf(node, { project, after }, asker))
    if (outer.next === undefined) return volumes
    after = seen(pages, outer.next)
  }
}

/** The first page of its instances came with the volume; the others come with the same page of volumes asked again. */
async function volumeOf(
  node: Answer,
  at: { readonly project: string; readonly after: string | null },
  asker: Asker,
): Promise<Volume> {
  const id = text(node, 'id')
  const instances: VolumeInstance[] = []
  const pages = new Set<string>()
  let found: Answer | undefined = node
  for (;;) {
    const { nodes, next } = connection(found['volumeInstances'])
    instances.push(...nodes.map(instanceOf))
    if (next === undefined) return { id, name: text(node, 'name'), instances }
    const inner = seen(pages, next)
    const data = await asker.data(volumeQuery, { id: at.project, after: at.after, inner })
    const again = connection(follow(data, ['project', 'volumes'])).nodes
    found = again.find((other) => other['id'] === id)
    if (found === undefined) throw new Unestablished('view_incomplete')
  }
}

function instanceOf(node: Answer): VolumeInstance {
  return {
    id: text(node, 'id'),
    environment: text(node, 'environmentId'),
    service: optionalText(node, 'serviceId'),
    mountPath: text(node, 'mountPath'),
    usedMB: amount(node['currentSizeMB']),
    sizeMB: amount(node['sizeMB']),
    state: node['state'] === null ? undefined : word(node, 'state'),
  }
}

export async function askBackups(instance: string, asker: Asker): Promise<Backups> {
  const data = await asker.data(backupQuery, { id: instance })
  const backups = listOf(data['volumeInstanceBackupList']).map((node) => ({
    id: text(node, 'id'),
    name: optionalText(node, 'name'),
    createdAt: time(node['createdAt']),
    usedMB: node['usedMB'] === null ? undefined : amount(node['usedMB']),
  }))
  return {
    backups: backups.toSorted((a, b) => b.createdAt - a.createdAt),
    schedules: listOf(data['volumeInstanceBackupScheduleList']).map((node) => word(node, 'kind')),
  }
}

/** What one environment holds besides volumes: the services that are in it, and how many variables. */
export async function askEnvironment(
  id: string,
  asker: Asker,
): Promise<{ readonly services: Names; readonly variables: string }> {
  const answer = same((await asker.data(environmentQuery, { id }))['environment'], id)
  const services = connection(answer['serviceInstances'])
  const variables = connection(answer['variables'])
  return {
    services: {
      complete: services.next === undefined,
      names: new Map(
        services.nodes.map((node) => [text(node, 'serviceId'), text(node, 'serviceId')]),
      ),
    },
    variables: count(variables.nodes.length, variables.next === undefined),
  }
}

export async function askBucket(
  id: string,
  environment: string,
  asker: Asker,
): Promise<{ readonly objects: string; readonly bytes: number } | undefined> {
  const details = (await asker.data(bucketQuery, { id, environment }))['bucketInstanceDetails']
  if (details === null) return undefined
  if (!isAnswer(details)) throw new Unestablished('view_incomplete')
  return { objects: String(bigint(details['objectCount'])), bytes: bigint(details['sizeBytes']) }
}

/** `3`, or `more than 100` where not all of them were asked for. */
export function count(number: number, complete: boolean): string {
  return complete ? String(number) : `more than ${String(number)}`
}

function optionalText(node: Answer, key: string): string | undefined {
  return node[key] === null ? undefined : text(node, key)
}

/** A value of an enumeration: it is told without quotation marks. */
function word(node: Answer, key: string): string {
  const value = text(node, key)
  if (!/^[A-Z_]{1,40}$/.test(value)) throw new Unestablished('view_incomplete')
  return value
}

/** A size that is no number is no zero. */
function amount(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new Unestablished('view_incomplete')
  return value
}

/** GraphQL has no BigInt of its own: a number, or a text of digits. */
function bigint(value: unknown): number {
  return typeof value === 'string' && /^\d{1,18}$/.test(value) ? Number(value) : amount(value)
}

function time(value: unknown): number {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw new Unestablished('view_incomplete')
  return at
}

function listOf(value: unknown): readonly Answer[] {
  if (!Array.isArray(value)) throw new Unestablished('view_incomplete')
  return (value as unknown[]).map((node) => {
    if (!isAnswer(node)) throw new Unestablished('view_incomplete')
    return node
  })
}

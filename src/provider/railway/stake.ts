/**
 * Which data a request would harm: for each instance of a volume what becomes of it, and of its backups. Railway keeps
 * the backups of a volume with the volume. What its schema does not say is `unsaid`, and nobody is told that it is safe.
 */
import type { Invocation, JsonValue, ResourceRef } from '../../core/operation.ts'
import type { Project, Volume, VolumeInstance } from './inventory.ts'

/**
 * Worst first. `unsaid`: Railway does not say what becomes of it. `at_risk`: the request does not say what it does to it.
 * `kept`: its backups stay, but for those that the request names.
 */
const fates = ['dies', 'wiped', 'replaced', 'unsaid', 'at_risk', 'kept'] as const
export type Fate = (typeof fates)[number]

export type Stake = {
  readonly volume: Volume
  readonly instance: VolumeInstance
  readonly fate: Fate
  /** Ids of backups that the request itself deletes, while the rest stay. */
  readonly deletedBackups: ReadonlySet<string>
}

export type Holdings = { readonly project: Project; readonly volumes: readonly Volume[] }

export const projectDeletions: ReadonlySet<string> = new Set([
  'projectDelete',
  'projectScheduleDelete',
  'projectScheduleDeleteForce',
])

/** Destructive operations that reach no data on a volume. */
const dataless: ReadonlySet<string> = new Set([
  'bucketCredentialsReset',
  'cloudAgentDelete',
  'customDomainDelete',
  'deploymentCancel',
  'deploymentRemove',
  'deploymentStop',
  'deploymentTriggerDelete',
  'disableServiceCdn',
  'egressGatewayAssociationsClear',
  'egressGatewayRollbackFromHA',
  'integrationDelete',
  'observabilityDashboardReset',
  'observabilityDashboardUpdate',
  'privateNetworkEndpointDelete',
  'privateNetworksForEnvironmentDelete',
  'projectMemberRemove',
  'projectTokenDelete',
  'sandboxCheckpointDelete',
  'sandboxDestroy',
  'serviceDisconnect',
  'serviceDomainDelete',
  'serviceRemoveUpstreamUrl',
  'sharedVariableConfigure',
  'tcpProxyDelete',
  'updateServiceEdgeRules',
  'variableCollectionUpsert',
  'variableDelete',
])

/** They run code beside the data: it is at risk wherever they may run, and the backups are not within their reach. */
const running: ReadonlySet<string> = new Set([
  'deploymentInstanceExecutionCreate',
  'deploymentRollback',
  'generateShellToken',
  'sandboxExec',
])

/** Destructive operations whose ids say which data they harm. Of all others any data of their environments may be. */
const explicit: ReadonlySet<string> = new Set([
  ...projectDeletions,
  'environmentDelete',
  'serviceDelete',
  'volumeDelete',
  'volumeInstanceBackupDelete',
  'volumeInstanceBackupRestore',
  'volumeInstanceBackupScheduleUpdate',
  'volumeInstanceUpdate',
])

export function isDestructive({ effects, added }: Invocation): boolean {
  return effects.includes('destructive') || added.includes('destructive')
}

/** Whether it may harm data that none of its ids names, or that does not say what it does to it. */
export function harmsUnsaid(invocation: Invocation): boolean {
  const { operation } = invocation
  return (
    isDestructive(invocation) &&
    !dataless.has(operation) &&
    !explicit.has(operation) &&
    !running.has(operation)
  )
}

/**
 * Every instance that the destructive operations of a request harm, once, with the worst that becomes of it. `reach` holds
 * the environments whose data counts as harmed by operations that do not say what they harm.
 */
export function stakesOf(
  invocations: readonly Invocation[],
  holdings: readonly Holdings[],
  reach: ReadonlySet<string>,
): readonly Stake[] {
  const stakes = new Map<string, Stake>()
  const add = (
    volume: Volume,
    instance: VolumeInstance,
    fate: Fate,
    deleted: readonly string[] = [],
  ): void => {
    const before = stakes.get(instance.id)
    stakes.set(instance.id, {
      volume,
      instance,
      fate: before === undefined ? fate : worst(before.fate, fate),
      deletedBackups: new Set([...(before?.deletedBackups ?? []), ...deleted]),
    })
  }
  for (const invocation of invocations) {
    if (!isDestructive(invocation)) continue
    const general = generalFate(invocation)
    for (const { project, volumes } of holdings) {
      for (const volume of volumes) {
        for (const instance of volume.instances) {
          if (general !== undefined && reach.has(instance.environment))
            add(volume, instance, general)
          for (const ref of invocation.resources) {
            const fate = fateOf(invocation, ref, { project, volume, instance, volumes })
            if (fate === undefined) continue
            add(volume, instance, fate, fate === 'kept' ? backupsIn(invocation) : [])
          }
        }
      }
    }
  }
  return [...stakes.values()]
}

/** Ids of what destructive operations name and nobody listed: what is at stake with it is not known. */
export function unlisted(
  invocations: readonly Invocation[],
  holdings: readonly Holdings[],
): readonly string[] {
  const listed = new Set<string>()
  for (const { project, volumes } of holdings) {
    listed.add(`project:${project.id}`)
    for (const id of project.environments.names.keys()) listed.add(`environment:${id}`)
    for (const { id, instances } of volumes) {
      listed.add(`volume:${id}`)
      for (const instance of instances) listed.add(`volumeInstance:${instance.id}`)
    }
  }
  const ids = invocations
    .filter((invocation) => isDestructive(invocation) && !dataless.has(invocation.operation))
    .flatMap(({ resources }) => resources)
    .filter(({ kind, id }) => counted.has(kind) && !listed.has(`${kind}:${id}`))
    .map(({ id }) => id)
  return [...new Set(ids)]
}

const counted: ReadonlySet<string> = new Set(['environment', 'project', 'volume', 'volumeInstance'])

function generalFate(invocation: Invocation): Fate | undefined {
  if (running.has(invocation.operation)) return 'kept'
  return harmsUnsaid(invocation) ? 'at_risk' : undefined
}

function worst(a: Fate, b: Fate): Fate {
  return fates.indexOf(a) <= fates.indexOf(b) ? a : b
}

function backupsIn({ resources }: Invocation): readonly string[] {
  return resources.filter(({ kind }) => kind === 'backup').map(({ id }) => id)
}

type Thing = {
  readonly project: Project
  readonly volume: Volume
  readonly instance: VolumeInstance
  readonly volumes: readonly Volume[]
}

/** What an operation makes of an instance by what one of its ids names; undefined where that is another thing. */
function fateOf(invocation: Invocation, ref: ResourceRef, thing: Thing): Fate | undefined {
  const { operation } = invocation
  const { project, volume, instance } = thing
  switch (ref.kind) {
    case 'volume':
      if (ref.id !== volume.id) return undefined
      if (operation === 'volumeDelete' || deletedIn(invocation, ref)) return 'dies'
      if (!narrowedTo(invocation, instance.environment)) return undefined
      return stateIsDeleted(invocation) ? 'dies' : 'unsaid'
    case 'volumeInstance':
      if (ref.id !== instance.id) return undefined
      if (operation === 'volumeInstanceBackupDelete') return 'kept'
      if (operation === 'volumeInstanceBackupScheduleUpdate') return 'kept'
      return operation === 'volumeInstanceBackupRestore' ? 'replaced' : 'unsaid'
    case 'environment':
      return operation === 'environmentDelete' && ref.id === instance.environment
        ? 'dies'
        : undefined
    case 'project':
      return projectDeletions.has(operation) && ref.id === project.id ? 'dies' : undefined
    case 'service':
      return ref.id === instance.service ? fateByService(invocation, ref, thing) : undefined
    default:
      return undefined
  }
}

function fateByService(invocation: Invocation, ref: ResourceRef, thing: Thing): Fate | undefined {
  const { operation } = invocation
  if (operation === 'serviceDelete' || deletedIn(invocation, ref)) return 'unsaid'
  if (operation !== 'volumeInstanceBackupRestore') return undefined
  const restored = thing.volumes
    .flatMap(({ instances }) => instances)
    .find(({ id }) => invocation.resources.some((other) => other.id === id))
  if (restored?.environment !== thing.instance.environment) return undefined
  return ref.path === 'wipeServiceIds' ? 'wiped' : 'replaced'
}

/** Whether the patch of an environment's configuration marks the entry in which the id stands as deleted. */
export function deletedIn({ arguments: given }: Invocation, { id, path }: ResourceRef): boolean {
  let at: JsonValue | undefined = given
  for (const key of [...path.split('.'), id]) at = member(at, key)
  return member(at, 'isDeleted') === true
}

/** A volume is a container where an environment is named beside it. */
function narrowedTo({ resources }: Invocation, environment: string): boolean {
  const named = resources.filter(({ kind }) => kind === 'environment')
  return named.length === 0 || named.some(({ id }) => id === environment)
}

function stateIsDeleted({ arguments: given }: Invocation): boolean {
  const state = member(member(given, 'input'), 'state')
  return state === 'DELETED' || state === 'DELETING'
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined
  return Object.hasOwn(value, key) ? value[key] : undefined
}

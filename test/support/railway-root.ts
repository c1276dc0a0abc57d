/** Resolvers over the stand-in's world, in the shapes of Railway's own schema. */
import { randomBytes, randomUUID } from 'node:crypto'
import type {
  Deployment,
  Environment,
  RailwayWorld,
  Service,
  ServiceInstance,
  Volume,
  VolumeInstance,
} from './railway-world.ts'
import { deleteVolume } from './railway-world.ts'

export type RailwayToken =
  | { readonly value: string; readonly kind: 'account' | 'workspace' }
  | {
      readonly value: string
      readonly kind: 'project'
      readonly environmentId: string
      /** Where it was minted here. */
      readonly id?: string
    }

type PageArgs = { readonly first?: number; readonly after?: string }
type Args = Readonly<Record<string, string>>
type Input = { readonly input: Readonly<Record<string, string>> }

const epoch = '2026-01-01T00:00:00.000Z'

function need<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new Error(`${what} not found`)
  return found
}

/** `largestPage` bounds what one page holds, whatever is asked for. */
export function railwayRoot(world: RailwayWorld, token: RailwayToken, largestPage: number) {
  function connection<T, R>(things: Iterable<T>, show: (thing: T) => R, args: PageArgs) {
    const all = [...things]
    const from = args.after === undefined || args.after === null ? 0 : Number(args.after)
    const to = Math.min(all.length, from + Math.min(args.first ?? largestPage, largestPage))
    return {
      edges: all
        .slice(from, to)
        .map((thing, i) => ({ cursor: `${from + i + 1}`, node: show(thing) })),
      pageInfo: {
        hasNextPage: to < all.length,
        hasPreviousPage: from > 0,
        startCursor: `${from}`,
        endCursor: `${to}`,
      },
    }
  }
  const where = <T>(things: ReadonlyMap<string, T>, test: (thing: T) => boolean): T[] =>
    [...things.values()].filter(test)

  const project = (id: string) => {
    const found = need(world.projects.get(id), 'Project')
    return {
      ...found,
      createdAt: epoch,
      updatedAt: epoch,
      isPublic: false,
      workspaceId: world.ids.workspace,
      environments: (args: PageArgs) =>
        connection(
          where(world.environments, (e) => e.projectId === id),
          environment,
          args,
        ),
      services: (args: PageArgs) =>
        connection(
          where(world.services, (s) => s.projectId === id),
          service,
          args,
        ),
      volumes: (args: PageArgs) =>
        connection(
          where(world.volumes, (v) => v.projectId === id),
          volume,
          args,
        ),
      buckets: (args: PageArgs) =>
        connection(
          where(world.buckets, (b) => b.projectId === id),
          (b) => b,
          args,
        ),
    }
  }
  const environment = (e: Environment) => ({
    ...e,
    createdAt: epoch,
    updatedAt: epoch,
    isEphemeral: false,
    canAccess: true,
    config: () => ({ services: Object.fromEntries(variablesOf(e.id)) }),
    deployments: (args: PageArgs) =>
      connection(
        where(world.deployments, (d) => d.environmentId === e.id),
        deployment,
        args,
      ),
    serviceInstances: (args: PageArgs) =>
      connection(
        where(world.serviceInstances, (s) => s.environmentId === e.id),
        serviceInstance,
        args,
      ),
    volumeInstances: (args: PageArgs) =>
      connection(
        where(world.volumeInstances, (v) => v.environmentId === e.id),
        volumeInstance,
        args,
      ),
    variables: (args: PageArgs) => connection(variableNames(e.id), (v) => v, args),
    deploymentTriggers: (args: PageArgs) =>
      connection(
        where(world.triggers, (t) => t.environmentId === e.id),
        (t) => t,
        args,
      ),
  })
  const variableNames = (environmentId: string) =>
    [...world.variables].flatMap(([key, values]) =>
      key.startsWith(`${environmentId}/`)
        ? [...values.keys()].map((name) => ({
            id: randomUUID(),
            name,
            environmentId,
            serviceId: key.slice(environmentId.length + 1) || null,
            isSealed: false,
            references: [],
            createdAt: epoch,
            updatedAt: epoch,
          }))
        : [],
    )
  const variablesOf = (environmentId: string) =>
    [...world.variables].flatMap(([key, values]) =>
      key.startsWith(`${environmentId}/`)
        ? [
            [
              key.slice(environmentId.length + 1),
              { variables: Object.fromEntries(values) },
            ] as const,
          ]
        : [],
    )
  const service = (s: Service) => ({
    ...s,
    createdAt: epoch,
    updatedAt: epoch,
    project: () => project(s.projectId),
    deployments: (args: PageArgs) =>
      connection(
        where(world.deployments, (d) => d.serviceId === s.id),
        deployment,
        args,
      ),
    serviceInstances: (args: PageArgs) =>
      connection(
        where(world.serviceInstances, (i) => i.serviceId === s.id),
        serviceInstance,
        args,
      ),
  })
  const serviceInstance = (i: ServiceInstance) => ({
    ...i,
    createdAt: epoch,
    updatedAt: epoch,
    serviceName: () => need(world.services.get(i.serviceId), 'Service').name,
    service: () => service(need(world.services.get(i.serviceId), 'Service')),
    domains: { customDomains: [], serviceDomains: [] },
  })
  const volume = (v: Volume) => ({
    ...v,
    createdAt: epoch,
    project: () => project(v.projectId),
    volumeInstances: (args: PageArgs) =>
      connection(
        where(world.volumeInstances, (i) => i.volumeId === v.id),
        volumeInstance,
        args,
      ),
  })
  const volumeInstance = (i: VolumeInstance) => ({
    ...i,
    createdAt: epoch,
    currentSizeMB: i.usedMB ?? 1,
    sizeMB: i.sizeMB ?? 1024,
    isPendingDeletion: false,
    state: 'READY',
    volume: () => volume(need(world.volumes.get(i.volumeId), 'Volume')),
    environment: () => environment(need(world.environments.get(i.environmentId), 'Environment')),
  })
  const deployment = (d: Deployment) => ({
    ...d,
    createdAt: epoch,
    updatedAt: epoch,
    environment: () => environment(need(world.environments.get(d.environmentId), 'Environment')),
    service: () => service(need(world.services.get(d.serviceId), 'Service')),
  })

  return {
    me: () =>
      token.kind === 'account'
        ? { id: world.ids.workspace, email: 'owner@example.com', name: 'Owner' }
        : notAuthorized(),
    apiToken: () =>
      token.kind === 'project'
        ? notAuthorized()
        : { workspaces: [{ id: world.ids.workspace, name: 'Acme' }] },
    projectToken: () => {
      if (token.kind !== 'project') return notAuthorized()
      const projectId = need(world.environments.get(token.environmentId), 'Environment').projectId
      const id = token.id ?? randomUUID()
      return { id, name: 'token', projectId, environmentId: token.environmentId }
    },
    projectTokens: ({ projectId, ...args }: Args & PageArgs) =>
      connection(
        where(world.projectTokens, (each) => each.projectId === projectId),
        (each) => ({ ...each, displayToken: '***', createdAt: epoch }),
        args,
      ),
    project: ({ id }: Args) => project(id ?? ''),
    environment: ({ id }: Args) =>
      environment(need(world.environments.get(id ?? ''), 'Environment')),
    environments: ({ projectId, ...args }: Args & PageArgs) =>
      project(projectId ?? '').environments(args),
    service: ({ id }: Args) => service(need(world.services.get(id ?? ''), 'Service')),
    deployment: ({ id }: Args) => deployment(need(world.deployments.get(id ?? ''), 'Deployment')),
    deployments: ({ input, ...args }: Input & PageArgs) =>
      connection(
        where(
          world.deployments,
          (d) =>
            (input['environmentId'] === undefined || d.environmentId === input['environmentId']) &&
            (input['serviceId'] === undefined || d.serviceId === input['serviceId']),
        ),
        deployment,
        args,
      ),
    volumeInstance: ({ id }: Args) =>
      volumeInstance(need(world.volumeInstances.get(id ?? ''), 'VolumeInstance')),
    volumeInstanceBackupList: ({ volumeInstanceId }: Args) =>
      where(world.backups, (b) => b.volumeInstanceId === volumeInstanceId).map((b) => ({
        ...b,
        externalId: b.id,
        createdAt: b.createdAt ?? epoch,
        usedMB: b.usedMB ?? null,
      })),
    volumeInstanceBackupScheduleList: ({ volumeInstanceId }: Args) =>
      (world.backupSchedules.get(volumeInstanceId ?? '') ?? []).map((kind) => ({
        id: randomUUID(),
        kind,
        name: kind,
        cron: '0 0 * * *',
        createdAt: epoch,
      })),
    bucketInstanceDetails: ({ bucketId }: Args) => {
      need(world.buckets.get(bucketId ?? ''), 'Bucket')
      return { objectCount: '12', sizeBytes: '3400000' }
    },
    environmentLogs: ({ environmentId }: Args) => [
      {
        message: `started in ${environmentId}`,
        severity: 'info',
        timestamp: epoch,
        attributes: [],
      },
    ],
    variables: ({ environmentId, serviceId }: Args) =>
      Object.fromEntries(world.variables.get(`${environmentId}/${serviceId ?? ''}`) ?? []),
    platformStatus: () => ({ isStable: true, incident: null, maintenance: null }),

    volumeCreate: ({ input }: Input) => {
      const made: Volume = { id: randomUUID(), name: 'volume', projectId: input['projectId'] ?? '' }
      need(world.projects.get(made.projectId), 'Project')
      world.volumes.set(made.id, made)
      const all = where(world.environments, (e) => e.projectId === made.projectId)
      for (const { id: environmentId } of all) {
        if (input['environmentId'] !== undefined && input['environmentId'] !== environmentId)
          continue
        const id = randomUUID()
        world.volumeInstances.set(id, {
          id,
          volumeId: made.id,
          environmentId,
          serviceId: input['serviceId'] ?? null,
          mountPath: input['mountPath'] ?? '/data',
        })
      }
      return volume(made)
    },
    volumeDelete: ({ volumeId }: Args) => deleteVolume(world, volumeId ?? ''),
    deploymentRestart: ({ id }: Args) => {
      need(world.deployments.get(id ?? ''), 'Deployment').restarts++
      return true
    },
    variableUpsert: ({ input }: Input) => {
      const key = `${input['environmentId']}/${input['serviceId'] ?? ''}`
      const values = world.variables.get(key) ?? new Map<string, string>()
      world.variables.set(key, values.set(input['name'] ?? '', input['value'] ?? ''))
      return true
    },
    environmentPatchCommit: ({ patch }: { patch?: unknown }) => {
      const sections = (patch ?? {}) as Record<string, Record<string, { isDeleted?: unknown }>>
      for (const [id, entry] of Object.entries(sections['volumes'] ?? {}))
        if (entry.isDeleted === true) deleteVolume(world, id)
      for (const [id, entry] of Object.entries(sections['services'] ?? {}))
        if (entry.isDeleted === true) world.services.delete(id)
      return randomUUID()
    },
    projectTokenCreate: ({ input: { projectId = '', environmentId = '', name = '' } }: Input) => {
      if (token.kind === 'project') return notAuthorized()
      const home = need(world.environments.get(environmentId), 'Environment')
      need(home.projectId === projectId ? home : undefined, 'Project')
      const value = randomBytes(18).toString('base64url')
      const id = randomUUID()
      world.minted.push(value)
      world.projectTokens.set(id, { id, name, projectId, environmentId, value })
      return value
    },
    projectTokenDelete: ({ id = '' }: Args) => {
      if (token.kind === 'project') return notAuthorized()
      need(world.projectTokens.get(id), 'ProjectToken')
      return world.projectTokens.delete(id)
    },
  }
}

function notAuthorized(): never {
  throw new Error('Not Authorized')
}

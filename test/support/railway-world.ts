/**
 * The state behind the Railway stand-in: one project with `staging` and `production`, a service in both, a volume in
 * each, one volume in both, deployments, a backup, variables; and another project that is nobody's business.
 */
import { randomUUID } from 'node:crypto'

export const railwayIds = {
  workspace: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a01',
  project: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a02',
  staging: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a03',
  production: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a04',
  service: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a05',
  volumeStaging: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a06',
  volumeProduction: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a07',
  volumeShared: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a08',
  volumeInstanceStaging: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a09',
  volumeInstanceProduction: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0a',
  deploymentStaging: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0b',
  deploymentProduction: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0c',
  backupStaging: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0d',
  bucket: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0e',
  otherProject: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a0f',
  otherEnvironment: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a10',
  otherService: '71c0a4de-52f1-4b7e-8d3a-0c9b6e5f1a11',
}

export type RailwayIds = typeof railwayIds

type Named = { readonly id: string; name: string }
export type Environment = Named & { readonly projectId: string }
export type Service = Named & { readonly projectId: string }
export type Volume = Named & { readonly projectId: string }
export type ServiceInstance = {
  readonly id: string
  readonly serviceId: string
  readonly environmentId: string
}
export type VolumeInstance = {
  readonly id: string
  readonly volumeId: string
  readonly environmentId: string
  readonly serviceId: string | null
  readonly mountPath: string
  /** 1 MB of 1024 MB where absent. */
  readonly usedMB?: number
  readonly sizeMB?: number
}
export type Deployment = {
  readonly id: string
  readonly environmentId: string
  readonly serviceId: string
  readonly projectId: string
  status: string
  restarts: number
}
export type Backup = {
  readonly id: string
  readonly volumeInstanceId: string
  readonly name: string | null
  /** The beginning of 2026 where absent. */
  readonly createdAt?: string
  readonly usedMB?: number
}
export type Trigger = {
  readonly id: string
  readonly environmentId: string
  readonly serviceId: string
}

export type RailwayWorld = {
  readonly ids: RailwayIds
  readonly projects: Map<string, Named>
  readonly environments: Map<string, Environment>
  readonly services: Map<string, Service>
  readonly serviceInstances: Map<string, ServiceInstance>
  readonly volumes: Map<string, Volume>
  readonly volumeInstances: Map<string, VolumeInstance>
  readonly deployments: Map<string, Deployment>
  readonly backups: Map<string, Backup>
  /** By volume instance, the kinds of its schedules. */
  readonly backupSchedules: Map<string, readonly ('DAILY' | 'WEEKLY' | 'MONTHLY')[]>
  readonly triggers: Map<string, Trigger>
  readonly buckets: Map<string, Named & { readonly projectId: string }>
  /** `<environment id>/<service id or empty>` → name → value. */
  readonly variables: Map<string, Map<string, string>>
  /** Tokens minted by `projectTokenCreate`. */
  readonly minted: string[]
  /** Those of them that are not deleted, by their own id. */
  readonly projectTokens: Map<string, ProjectToken>
}

export type ProjectToken = Named & {
  readonly projectId: string
  readonly environmentId: string
  readonly value: string
}

const byId = <T extends { readonly id: string }>(things: readonly T[]): Map<string, T> =>
  new Map(things.map((thing) => [thing.id, thing]))

/** A fresh world. Any of its ids can be given; the relations between them stay. */
export function railwayWorld(given: Partial<RailwayIds> = {}): RailwayWorld {
  const ids: RailwayIds = { ...railwayIds, ...given }
  const volume = (id: string, name: string): Volume => ({ id, name, projectId: ids.project })
  const instance = (id: string, volumeId: string, environmentId: string): VolumeInstance => ({
    id,
    volumeId,
    environmentId,
    serviceId: ids.service,
    mountPath: '/data',
  })
  const deployment = (id: string, environmentId: string): Deployment => ({
    id,
    environmentId,
    serviceId: ids.service,
    projectId: ids.project,
    status: 'SUCCESS',
    restarts: 0,
  })
  return {
    ids,
    projects: byId([
      { id: ids.project, name: 'pocketos' },
      { id: ids.otherProject, name: 'elsewhere' },
    ]),
    environments: byId([
      { id: ids.staging, name: 'staging', projectId: ids.project },
      { id: ids.production, name: 'production', projectId: ids.project },
      { id: ids.otherEnvironment, name: 'production', projectId: ids.otherProject },
    ]),
    services: byId([
      { id: ids.service, name: 'api', projectId: ids.project },
      { id: ids.otherService, name: 'web', projectId: ids.otherProject },
    ]),
    serviceInstances: byId([
      { id: randomUUID(), serviceId: ids.service, environmentId: ids.staging },
      { id: randomUUID(), serviceId: ids.service, environmentId: ids.production },
      { id: randomUUID(), serviceId: ids.otherService, environmentId: ids.otherEnvironment },
    ]),
    volumes: byId([
      volume(ids.volumeStaging, 'staging-data'),
      volume(ids.volumeProduction, 'production-data'),
      volume(ids.volumeShared, 'shared-data'),
    ]),
    volumeInstances: byId([
      instance(ids.volumeInstanceStaging, ids.volumeStaging, ids.staging),
      instance(ids.volumeInstanceProduction, ids.volumeProduction, ids.production),
      instance(randomUUID(), ids.volumeShared, ids.staging),
      instance(randomUUID(), ids.volumeShared, ids.production),
    ]),
    deployments: byId([
      deployment(ids.deploymentStaging, ids.staging),
      deployment(ids.deploymentProduction, ids.production),
    ]),
    backups: byId([
      { id: ids.backupStaging, volumeInstanceId: ids.volumeInstanceStaging, name: 'Manual' },
    ]),
    backupSchedules: new Map(),
    triggers: byId([
      { id: randomUUID(), environmentId: ids.staging, serviceId: ids.service },
      { id: randomUUID(), environmentId: ids.production, serviceId: ids.service },
    ]),
    buckets: byId([{ id: ids.bucket, name: 'uploads', projectId: ids.project }]),
    variables: new Map([
      [`${ids.staging}/${ids.service}`, new Map([['DATABASE_URL', 'postgres://staging.example']])],
      [
        `${ids.production}/${ids.service}`,
        new Map([['DATABASE_URL', 'postgres://production.example']]),
      ],
    ]),
    minted: [],
    projectTokens: new Map(),
  }
}

/** A volume with its instances: really gone, as it was for those whom it happened to. */
export function deleteVolume(world: RailwayWorld, id: string): boolean {
  for (const instance of world.volumeInstances.values()) {
    if (instance.volumeId !== id) continue
    for (const backup of world.backups.values())
      if (backup.volumeInstanceId === instance.id) world.backups.delete(backup.id)
    world.volumeInstances.delete(instance.id)
  }
  return world.volumes.delete(id)
}

/**
 * Two brokers on one database before a Railway with state, an agent whose grant covers deleting volumes of staging once a
 * person has said yes, and that person. Each volume is one request of its own.
 */
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { openApprover, type Approver } from './approver.ts'
import { adminPassword, openTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts'
import { startRailwayStandIn, type RailwayStandIn } from './railway-stand-in.ts'
import { railwayIds, railwayWorld, type RailwayWorld } from './railway-world.ts'
import { until } from './until.ts'
import { grantOn, railway, type Answer, type Granted } from './world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'

export type Gated = {
  readonly broker: TestBroker
  readonly other: { readonly url: string }
  readonly standIn: RailwayStandIn
  readonly granted: Granted
  readonly approver: Approver
  /** Seconds by which both brokers' clock is ahead. */
  readonly clock: { ahead: number }
  /** Whether the volume is there, by the provider's own account. */
  readonly there: (volume: string) => boolean
  /** How many requests to delete this volume the provider has got. */
  readonly reached: (volume: string) => number
  /** With a capability of its own. */
  readonly remove: (volume: string, options?: RemoveOptions) => Promise<Answer>
  /** Asked for and approved: the id. */
  readonly approved: (volume: string, options?: RemoveOptions) => Promise<string>
  readonly state: (id: string) => Promise<string>
  /** The document, the state and the rest of the row, as an operator reads it. */
  readonly read: (id: string) => Promise<Record<string, unknown>>
  readonly become: (id: string, state: string) => Promise<void>
  readonly close: () => Promise<void>
}

export type RemoveOptions = {
  readonly url?: string
  readonly token?: string
  readonly headers?: Record<string, string>
}

/** The incident's request. */
export function removal(volume: string): string {
  return JSON.stringify({ query: `mutation { volumeDelete(volumeId: "${volume}") }` })
}

/** A volume of its own in an environment, so that no other test’s request is the same. */
export function addVolume(world: RailwayWorld, environmentId: string = railwayIds.staging): string {
  const id = randomUUID()
  const instance = {
    id: randomUUID(),
    volumeId: id,
    environmentId,
    serviceId: railwayIds.service,
    mountPath: '/data',
  }
  world.volumes.set(id, { id, name: 'a-volume', projectId: railwayIds.project })
  world.volumeInstances.set(instance.id, instance)
  return id
}

/** Brings a volume back that was deleted meanwhile, so that the same can be asked for again. */
export function keepVolume(world: RailwayWorld, volumeId: string): () => void {
  const volume = world.volumes.get(volumeId)
  const instances = [...world.volumeInstances.values()].filter((one) => one.volumeId === volumeId)
  return () => {
    if (volume !== undefined) world.volumes.set(volumeId, volume)
    for (const instance of instances) world.volumeInstances.set(instance.id, instance)
  }
}

export function approvalOf(answer: Answer): Record<string, string> {
  const { approval } = answer.json
  if (answer.status !== 403 || approval === undefined)
    throw new Error(`no approval: ${String(answer.status)} ${answer.text}`)
  return approval as Record<string, string>
}

export function idOf(answer: Answer): string {
  return String(approvalOf(answer)['id'])
}

/** How many requests to delete this volume are in the log. */
export function removalsIn(standIn: Pick<RailwayStandIn, 'log'>, volume: string): number {
  return standIn.log.filter(({ body }) => body.includes('volumeDelete') && body.includes(volume))
    .length
}

export async function openGated(
  t: TestContext | undefined,
  options: TestBrokerOptions & {
    readonly grant?: Record<string, unknown>
    readonly terms?: Record<string, unknown>
  } = {},
): Promise<Gated> {
  const { grant = {}, terms, ...rest } = options
  const clock = { ahead: 0 }
  const standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'account', value: secret },
  })
  const broker = await openTestBroker(undefined, {
    now: () => Date.now() + clock.ahead * 1000,
    upstreams: { railway: standIn.origin },
    ...rest,
  })
  const close = async (): Promise<void> => {
    await broker.close()
    await standIn.close()
  }
  t?.after(close)
  try {
    return await prepare()
  } catch (error) {
    // Left open it would keep a failing test from ending.
    await close()
    throw error
  }

  async function prepare(): Promise<Gated> {
    const other = await broker.replica()
    const granted = await grantOn(
      broker,
      gatedGrant({ ...grant, ...(terms && { approval_terms: terms }) }),
    )
    const approver = await openApprover(broker)
    await ownedBy(broker, granted, approver)
    const read: Gated['read'] = (id) => broker.api('GET', `/v1/approvals/${id}`)
    const state: Gated['state'] = async (id) => String((await read(id))['state'])
    const remove: Gated['remove'] = async (volume, options = {}) => {
      const { url = broker.url, headers } = options
      return railway(url, options.token ?? (await granted.token()), removal(volume), headers)
    }
    return {
      broker,
      other,
      standIn,
      granted,
      approver,
      clock,
      there: (volume) => standIn.world.volumes.has(volume),
      reached: (volume) => removalsIn(standIn, volume),
      remove,
      async approved(volume, options) {
        const id = idOf(await remove(volume, options))
        await approver.approve(id)
        return id
      },
      read,
      state,
      close,
      async become(id, wanted) {
        let last = ''
        await until(`${id} is ${wanted}`, async () => {
          last = await state(id)
          return last === wanted ? true : undefined
        }).catch((error: unknown) => {
          throw new Error(`it is ${last}`, { cause: error })
        })
      },
    }
  }
}

/** Owners are asked first: from here on this person alone is, for as long as they are. */
export async function ownedBy(
  broker: Pick<TestBroker, 'api'>,
  { environmentId }: Pick<Granted, 'environmentId'>,
  ...approvers: readonly Approver[]
): Promise<void> {
  await broker.api('PATCH', `/v1/environments/${environmentId}`, {
    owners: approvers.map(({ browser }) => browser.operatorId),
    password: adminPassword,
  })
}

/** Another of these on the same broker is another agent with another credential in another environment of that name. */
export function gatedGrant(grant: Record<string, unknown> = {}) {
  return {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
    grant: { verbs: ['read', 'volumeDelete'], ...grant },
  }
}

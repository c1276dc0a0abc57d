/** A database in which requests can be parked: people, an environment, agents with a grant each, a key to seal with. */
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach } from 'node:test'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { park, type Parked, type ParkInput } from '../../src/approval/park.ts'
import { sealRequest, type ApprovalSealer } from '../../src/approval/sealed.ts'
import { decide } from '../../src/approval/step.ts'
import type { Approval, RecordChange } from '../../src/approval/store.ts'
import {
  requestDigest,
  type ApprovableRequest,
  type ApprovalDocument,
} from '../../src/core/approval.ts'
import { poolConfig, type Connection, type Db, type Tx } from '../../src/db/open.ts'
import type { Database } from '../../src/db/types.ts'
import { createAgent } from '../../src/directory/agent.ts'
import { createEnvironment } from '../../src/directory/environment.ts'
import { createGrant } from '../../src/directory/grant.ts'
import { createOperator } from '../../src/directory/operator.ts'
import {
  newId,
  type AgentId,
  type ApprovalId,
  type CapabilityId,
  type CredentialId,
  type EnvironmentId,
  type GrantId,
  type OperatorId,
  type ReplicaId,
} from '../../src/ids.ts'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { SecretText } from '../../src/vault/secret-text.ts'
import { createCredential, sealCredential } from '../../src/vault/store.ts'
import { createRowSealer } from '../../src/vault/row-sealer.ts'
import { createVault, registerKek } from '../../src/vault/vault.ts'
import { createTestDatabase } from '../support/cluster.ts'

export const noon = Date.UTC(2026, 4, 1, 12)
export const seconds = 1000
export const minutes = 60 * seconds

export type Asker = { readonly agentId: AgentId; readonly grantId: GrantId }

/** What differs from the plainest request. */
export type Wish = {
  readonly asker?: Asker
  readonly target?: string
  readonly body?: Buffer
  readonly operations?: readonly string[]
  readonly now?: number
  readonly expirySeconds?: number
  readonly holdSeconds?: number
} & Partial<Pick<ParkInput, 'capabilityId' | 'execute' | 'rule' | 'reason' | 'limits'>>

export type World = {
  /** Two replicas, each with connections of its own. */
  readonly a: Db
  readonly b: Db
  readonly connection: Connection
  readonly key: Buffer
  readonly sealer: ApprovalSealer
  readonly asker: Asker
  readonly environmentId: EnvironmentId
  readonly credentialId: CredentialId
  readonly people: readonly [OperatorId, OperatorId]
  readonly replicas: readonly [ReplicaId, ReplicaId]
  readonly capabilityId: CapabilityId
  /** `<state> <id>` of every change that was recorded, in the order of the records. */
  readonly recorded: string[]
  readonly record: RecordChange
  newAsker(): Promise<Asker>
  request(wish?: Wish): { request: ApprovableRequest; document: ApprovalDocument }
  park(wish?: Wish, db?: Db): Promise<Parked>
  /** Parks, and fails where it was not. */
  parked(wish?: Wish, db?: Db): Promise<Approval>
  /** Parks, and lets the first person approve at `now`. */
  approved(wish?: Wish): Promise<Approval>
  /** One transaction, on the first replica unless told. */
  readonly within: <T>(work: (tx: Tx) => Promise<T>, db?: Db) => Promise<T>
}

/** Without the broker's time-outs: what many do at once on a busy machine is not about them. */
function patient(connection: Connection): Db {
  const { query_timeout: _q, statement_timeout: _s, ...config } = poolConfig(connection, 8)
  const pool = new pg.Pool({ ...config, connectionTimeoutMillis: 60_000 })
  pool.on('error', () => undefined)
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}

/** One world for a file of tests; each of them starts without any approval. */
export function useWorld(): () => World {
  let opened: { world: World; close: () => Promise<void> } | undefined
  const world = (): World => {
    if (opened === undefined) throw new Error('the world is there once the tests run')
    return opened.world
  }
  before(async () => {
    opened = await openWorld()
  })
  beforeEach(async () => {
    await world().a.deleteFrom('approval').execute()
    world().recorded.length = 0
  })
  after(() => opened?.close())
  return world
}

async function openWorld(): Promise<{ world: World; close: () => Promise<void> }> {
  const database = await createTestDatabase()
  const a = patient(database.connection)
  const b = patient(database.connection)
  const key = randomBytes(32)
  const vault = createVault()
  const kek = kekFromBytes(Buffer.from(key))
  await registerKek(a, kek, 'file', undefined)
  vault.unlock(kek, 'file')
  const sealer = createRowSealer(vault)
  const within = <T>(work: (tx: Tx) => Promise<T>, db: Db = a): Promise<T> =>
    db.transaction().execute(work)

  const person = (name: string): Promise<OperatorId> =>
    within((tx) => createOperator(tx, { name, roles: ['approver'], setupSecret: name, now: noon }))
  const people = [await person('Ada'), await person('Grace')] as const
  const environmentId = await within((tx) =>
    createEnvironment(tx, {
      name: 'test/staging',
      protected: false,
      owners: [people[0]],
      bindings: [],
      now: noon,
    }),
  )
  const provider = 'railway'
  const secret = SecretText.of('rw_secret')
  const sealed = await sealCredential(vault, secret, { provider, environmentId, version: 1 })
  await within((tx) =>
    createCredential(
      tx,
      {
        name: 'staging',
        provider,
        environmentId,
        origin: 'https://backboard.railway.com',
        style: 'bearer',
        use: 'requests',
        reach: { kind: 'unknown' },
      },
      sealed,
    ),
  )
  let agents = 0
  const newAsker = (): Promise<Asker> =>
    within(async (tx) => {
      const name = `agent ${String(++agents)}`
      const { id: agentId } = await createAgent(tx, { name, ownerId: people[0], now: noon })
      const grantId = await createGrant(
        tx,
        {
          agentId,
          environmentId,
          credentialId: sealed.id,
          provider,
          verbs: ['volumeDelete'],
          constraints: [],
          approval: 'destructive',
          maxLifetimeSeconds: 300,
          requestsPerMinute: null,
          minted: 'redact',
          catalogueVersion: '1',
          expiresAt: null,
          createdBy: people[0],
        },
        noon,
      )
      return { agentId, grantId }
    })
  const first = await newAsker()
  const capabilityId = newId('capability', noon)
  const recorded: string[] = []
  const record: RecordChange = (_tx, approval) => {
    recorded.push(`${approval.state} ${approval.id}`)
    return Promise.resolve()
  }

  function request(wish: Wish = {}): { request: ApprovableRequest; document: ApprovalDocument } {
    const now = wish.now ?? noon
    const asker = wish.asker ?? first
    const request: ApprovableRequest = {
      ...asker,
      environmentId,
      credential: { id: sealed.id, version: 1 },
      provider,
      origin: 'https://backboard.railway.com',
      method: 'POST',
      target: wish.target ?? '/graphql/v2',
      headers: { 'content-type': 'application/json' },
      body: wish.body ?? Buffer.from('{"query":"mutation { volumeDelete(volumeId: \\"v\\") }"}'),
    }
    return {
      request,
      document: {
        id: newId('approval', now),
        requestDigest: requestDigest(request),
        agent: { id: asker.agentId, name: 'an agent' },
        grantId: asker.grantId,
        environment: { id: environmentId, name: 'test/staging', protected: false },
        provider,
        operations: (wish.operations ?? ['volumeDelete']).map((name) => ({
          name,
          effects: ['write', 'destructive'],
          objects: [{ id: 'volume:v', livesIn: ['test/staging'] }],
          arguments: { volumeId: 'v' },
        })),
        facts: [],
        because: ['destructive'],
        ...(wish.holdSeconds === undefined ? {} : { holdSeconds: wish.holdSeconds }),
        requestedAt: now,
        expiresAt: now + (wish.expirySeconds ?? 300) * seconds,
        nonce: randomBytes(32).toString('base64url'),
      },
    }
  }

  async function parkOne(wish: Wish = {}, db: Db = a): Promise<Parked> {
    const { request: asked, document } = request(wish)
    const sealed = await sealRequest(sealer, document, asked)
    return within(
      (tx) =>
        park(
          tx,
          {
            ...sealed,
            capabilityId: wish.capabilityId ?? capabilityId,
            execute: wish.execute ?? 'agent',
            rule: wish.rule ?? 'anyone',
            reason: wish.reason,
            ...(wish.limits === undefined ? {} : { limits: wish.limits }),
            now: wish.now ?? noon,
          },
          record,
        ),
      db,
    )
  }

  async function parked(wish: Wish = {}, db: Db = a): Promise<Approval> {
    const result = await parkOne(wish, db)
    if (result.outcome !== 'parked') throw new Error(`it was not parked: ${result.outcome}`)
    return result.approval
  }

  async function approved(wish: Wish = {}): Promise<Approval> {
    const { id } = await parked(wish)
    const approval = await within((tx) => decide(tx, yes(id, people[0], wish.now), record))
    if (approval === undefined) throw new Error('it was not approved')
    return approval
  }

  const world: World = {
    a,
    b,
    connection: database.connection,
    key,
    sealer,
    asker: first,
    environmentId,
    credentialId: sealed.id,
    people,
    replicas: [newId('replica', noon), newId('replica', noon)],
    capabilityId,
    recorded,
    record,
    newAsker,
    request,
    park: parkOne,
    parked,
    approved,
    within,
  }
  return {
    world,
    async close() {
      await a.destroy()
      await b.destroy()
      await database.drop()
    },
  }
}

export function yes(id: ApprovalId, approverId: OperatorId, now: number = noon) {
  return { id, decision: 'approve', approverId, evidence: { kind: 'passkey' }, now } as const
}

export function no(id: ApprovalId, approverId: OperatorId, now: number = noon) {
  return { id, decision: 'deny', approverId, evidence: { kind: 'passkey' }, now } as const
}

/** What `consume` needs to take this approval. */
export function taking(approval: Approval, replicaId: ReplicaId, now: number = noon) {
  return {
    id: approval.id,
    digest: approval.requestDigest,
    agentId: approval.agentId,
    replicaId,
    leaseUntil: now + 60 * seconds,
    now,
  }
}

/** Parks a request as the proxy would, through the store's own functions: for tests of what people see and do. */
import { randomBytes } from 'node:crypto'
import { park, type ParkInput } from '../../src/approval/park.ts'
import { sealRequest } from '../../src/approval/sealed.ts'
import type { Approval } from '../../src/approval/store.ts'
import { requestDigest, type ApprovalDocument } from '../../src/core/approval.ts'
import {
  newId,
  type AgentId,
  type CredentialId,
  type EnvironmentId,
  type GrantId,
} from '../../src/ids.ts'
import { createRowSealer } from '../../src/vault/row-sealer.ts'
import type { TestBroker } from './broker.ts'
import type { Granted } from './world.ts'

export type Parking = Partial<
  Pick<ApprovalDocument, 'operations' | 'facts' | 'because' | 'holdSeconds'>
> &
  Partial<Pick<ParkInput, 'execute' | 'rule' | 'reason'>> & {
    readonly now?: number
    readonly expirySeconds?: number
    readonly agentName?: string
    readonly environment?: { readonly name: string; readonly protected: boolean }
    /** What makes it another request. */
    readonly target?: string
  }

/** The incident's request, unless told otherwise. */
export async function parkOn(
  broker: TestBroker,
  granted: Granted,
  wish: Parking = {},
): Promise<Approval> {
  const now = wish.now ?? Date.now()
  const { operations, facts, because, holdSeconds, execute, rule, reason } = wish
  const agentId = granted.agentId as AgentId
  const grantId = granted.grantId as GrantId
  const environmentId = granted.environmentId as EnvironmentId
  const request = {
    agentId,
    grantId,
    environmentId,
    credential: { id: granted.credentialId as CredentialId, version: 1 },
    provider: 'railway',
    origin: 'https://backboard.railway.com',
    method: 'POST',
    target: wish.target ?? `/graphql/v2?${newId('correlation')}`,
    headers: {},
    body: Buffer.from('{"query":"mutation { volumeDelete(volumeId: \\"v1\\") }"}'),
  }
  const document: ApprovalDocument = {
    id: newId('approval', now),
    requestDigest: requestDigest(request),
    agent: { id: agentId, name: wish.agentName ?? 'deploy-bot' },
    grantId,
    environment: {
      id: environmentId,
      ...(wish.environment ?? { name: 'pocketos/staging', protected: false }),
    },
    provider: 'railway',
    operations: operations ?? [
      {
        name: 'volumeDelete',
        effects: ['write', 'destructive'],
        objects: [{ id: 'volume:v1', name: 'pgdata', livesIn: ['pocketos/staging'] }],
        arguments: { volumeId: 'v1' },
      },
    ],
    facts: facts ?? [
      { label: 'Backups that die with it', value: '4' },
      { label: 'Newest backup that would survive', value: 'none' },
    ],
    because: because ?? ['volumeDelete is destructive'],
    ...(holdSeconds === undefined ? {} : { holdSeconds }),
    requestedAt: now,
    expiresAt: now + (wish.expirySeconds ?? 300) * 1000,
    nonce: randomBytes(32).toString('base64url'),
  }
  const sealed = await sealRequest(createRowSealer(broker.broker.vault), document, request)
  const parked = await broker.broker.db.transaction().execute((tx) =>
    park(
      tx,
      {
        ...sealed,
        capabilityId: newId('capability', now),
        execute: execute ?? (holdSeconds === undefined ? 'agent' : 'broker'),
        rule: rule ?? 'anyone',
        reason,
        now,
      },
      () => Promise.resolve(),
    ),
  )
  if (parked.outcome !== 'parked') throw new Error(`it was not parked: ${parked.outcome}`)
  return parked.approval
}

/** A document as an approver reads it: the incident's request, against staging. */
import { randomBytes } from 'node:crypto'
import type { ApprovalDocument } from '../../src/core/approval.ts'
import { newId } from '../../src/ids.ts'

export function approvalDocument(change: Partial<ApprovalDocument> = {}): ApprovalDocument {
  const requestedAt = change.requestedAt ?? 1_800_000_000_000
  return {
    id: newId('approval'),
    requestDigest: 'ab'.repeat(32),
    agent: { id: newId('agent'), name: 'deployer' },
    grantId: newId('grant'),
    environment: { id: newId('environment'), name: 'pocketos/staging', protected: false },
    provider: 'railway',
    operations: [
      {
        name: 'volumeDelete',
        effects: ['write', 'destructive'],
        objects: [{ id: 'volume:v1', name: 'data \u202e<b>', livesIn: ['pocketos/staging'] }],
        arguments: { volumeId: 'v1' },
      },
    ],
    facts: [{ label: 'Backups that die with it', value: '4' }],
    because: ['destructive'],
    requestedAt,
    expiresAt: requestedAt + 300_000,
    nonce: randomBytes(32).toString('base64url'),
    ...change,
  }
}

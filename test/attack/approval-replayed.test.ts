/**
 * A real touch of a real passkey, sent where it was not meant: for another request, as yes where it said no, or in
 * another approver's name. Each differs from a good one in a single fact, and that fact is in the challenge.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { assertionOptions } from '../../src/approval/ceremony.ts'
import { verifyAssertion, type AssertionRefusal } from '../../src/approval/webauthn.ts'
import type { ApprovalDecision, ApprovalDocument } from '../../src/core/approval.ts'
import { newId, type OperatorId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'
import { createAuthenticator } from '../support/authenticator.ts'

const publicUrl = 'https://broker.acme.example'
const ada = newId('operator')
const sam = newId('operator')
const authenticator = createAuthenticator({ origin: publicUrl, counts: false })

type Meant = {
  readonly document: ApprovalDocument
  readonly decision: ApprovalDecision
  readonly approverId: OperatorId
}

async function sent(meant: Meant, as: Meant): Promise<'good' | AssertionRefusal> {
  const options = await assertionOptions({ ...meant, passkeys: [], publicUrl, now: 0 })
  const { credentialId, publicKey } = authenticator
  const result = await verifyAssertion({
    ...as,
    passkey: { operatorId: as.approverId, credentialId, publicKey, counter: 0 },
    assertion: authenticator.assert(options),
    publicUrl,
  })
  return result.ok ? 'good' : result.refusal
}

test('a decision that was made elsewhere', async (t) => {
  const document = approvalDocument()
  const meant: Meant = { document, decision: 'approve', approverId: ada }
  assert.equal(await sent(meant, meant), 'good')

  await t.test('is no yes to another request', async () => {
    assert.equal(await sent(meant, { ...meant, document: approvalDocument() }), 'wrong_challenge')
  })
  await t.test('is no yes to the same request asked again: the nonce is another', async () => {
    const { nonce } = approvalDocument()
    const again = { ...document, nonce }
    assert.equal(await sent(meant, { ...meant, document: again }), 'wrong_challenge')
  })
  await t.test('is no yes where it was a no, nor the other way round', async () => {
    const no = { ...meant, decision: 'deny' } as const
    assert.equal(await sent(no, meant), 'wrong_challenge')
    assert.equal(await sent(meant, no), 'wrong_challenge')
    assert.equal(await sent(no, no), 'good')
  })
  await t.test('is not another approver’s, even with the same key in their name', async () => {
    assert.equal(await sent(meant, { ...meant, approverId: sam }), 'wrong_challenge')
  })
  await t.test('is no yes to a document of which any one member is another', async () => {
    const [operation] = document.operations
    assert.ok(operation !== undefined)
    const [object] = operation.objects
    assert.ok(object !== undefined)
    const changes: readonly Partial<ApprovalDocument>[] = [
      { id: newId('approval') },
      { requestDigest: 'cd'.repeat(32) },
      { agent: { ...document.agent, id: newId('agent') } },
      { grantId: newId('grant') },
      { environment: { ...document.environment, id: newId('environment') } },
      { environment: { ...document.environment, protected: true } },
      { provider: 'github' },
      { operations: [{ ...operation, arguments: { volumeId: 'v2' } }] },
      { operations: [{ ...operation, effects: ['write'] }] },
      { operations: [{ ...operation, objects: [{ ...object, livesIn: ['pocketos/prod'] }] }] },
      { operations: [operation, operation] },
      { facts: [{ label: 'Backups that die with it', value: '5' }] },
      { because: [] },
      { holdSeconds: 60 },
      { expiresAt: document.expiresAt + 1 },
    ]
    for (const change of changes)
      assert.equal(
        await sent(meant, { ...meant, document: { ...document, ...change } }),
        'wrong_challenge',
        JSON.stringify(change),
      )
  })
})

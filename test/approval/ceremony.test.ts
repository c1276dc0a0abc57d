import { test } from 'node:test'
import assert from 'node:assert/strict'
import { assertionOptions, passkeyObstacle, relyingParty } from '../../src/approval/ceremony.ts'
import { decisionDigest } from '../../src/core/decision.ts'
import { newId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'

const publicUrl = 'https://broker.acme.example'
const approverId = newId('operator')
const document = approvalDocument()
const decision = 'approve' as const

test('what is asked of a browser to decide', async (t) => {
  const passkeys = [{ credentialId: 'AAAA', transports: ['usb'] }]
  const input = { document, decision, approverId, passkeys, publicUrl, now: document.requestedAt }
  const options = await assertionOptions(input)

  await t.test('is to sign the digest of the document, the decision and the approver', () => {
    assert.equal(
      options.challenge,
      decisionDigest(document, decision, approverId).toString('base64url'),
    )
    assert.equal(Buffer.from(options.challenge, 'base64url').length, 32)
  })
  await t.test(
    'is a verified user, on the host of PUBLIC_URL, with one of their own passkeys',
    () => {
      assert.equal(options.userVerification, 'required')
      assert.equal(options.rpId, 'broker.acme.example')
      assert.deepEqual(options.allowCredentials, [
        { id: 'AAAA', transports: ['usb'], type: 'public-key' },
      ])
    },
  )
  await t.test('is another thing for no than for yes, and for each approver', async () => {
    const others = [
      await assertionOptions({ ...input, decision: 'deny' }),
      await assertionOptions({ ...input, approverId: newId('operator') }),
      await assertionOptions({ ...input, document: approvalDocument() }),
    ]
    assert.equal(new Set([options, ...others].map((each) => each.challenge)).size, 4)
  })
  await t.test('ends with the document', async () => {
    const now = document.expiresAt - 20_000
    assert.equal((await assertionOptions({ ...input, now })).timeout, 20_000)
  })
})

test('the relying party is the host of PUBLIC_URL, and must be one that browsers take', () => {
  assert.deepEqual(relyingParty('http://localhost:8474'), {
    id: 'localhost',
    origin: 'http://localhost:8474',
  })
  assert.equal(passkeyObstacle('http://localhost:8474'), undefined)
  assert.equal(passkeyObstacle(publicUrl), undefined)
  assert.match(passkeyObstacle('https://127.0.0.1:8474') ?? '', /host name/)
  assert.match(passkeyObstacle('https://[::1]:8474') ?? '', /host name/)
  assert.match(passkeyObstacle('http://broker.acme.example') ?? '', /https/)
})

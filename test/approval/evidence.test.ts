import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import {
  codeEvidence,
  passkeyEvidence,
  readEvidence,
  type Evidence,
  type PasskeyEvidence,
} from '../../src/approval/evidence.ts'
import { fingerprintOf } from '../../src/approval/cose-key.ts'
import { verifyEvidence } from '../../src/approval/verify-evidence.ts'
import { assertionOptions } from '../../src/approval/ceremony.ts'
import type { ApprovalDecision } from '../../src/core/approval.ts'
import { newId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'
import { createAuthenticator, type Misbehaviour } from '../support/authenticator.ts'

const publicUrl = 'https://broker.acme.example'
const approver = { id: newId('operator'), name: 'ada' }
const document = approvalDocument()
const decidedAt = document.requestedAt + 5_000
const authenticator = createAuthenticator({ origin: publicUrl })
const fingerprint = fingerprintOf(authenticator.publicKey)

async function made(
  wrong: Misbehaviour = {},
  decision: ApprovalDecision = 'approve',
): Promise<PasskeyEvidence> {
  const { credentialId, publicKey } = authenticator
  const approverId = approver.id
  const asked = { document, decision, approverId, passkeys: [], publicUrl, now: decidedAt }
  const assertion = authenticator.assert(await assertionOptions(asked), wrong)
  return passkeyEvidence(
    { document, decision, approver, decidedAt, publicUrl },
    {
      id: newId('passkey'),
      credentialId,
      publicKey,
      algorithm: 'ES256',
      counter: authenticator.counter - 1,
      synced: false,
      createdAt: new Date(0),
    },
    assertion,
  )
}

/** As it comes out of a file. */
function written(evidence: unknown): Evidence {
  const read = readEvidence(Buffer.from(JSON.stringify(evidence)))
  assert.ok(read.ok, read.ok ? '' : read.detail)
  const [only, ...more] = read.evidence
  assert.ok(only !== undefined && more.length === 0)
  return only
}

async function failing(evidence: unknown, expected = {}): Promise<readonly string[]> {
  const report = await verifyEvidence(written(evidence), expected)
  assert.equal(report.verdict, 'refuted')
  assert.deepEqual(report.proven, [])
  return report.checks.filter(({ result }) => result === 'fails').map(({ what }) => what)
}

test('evidence of a passkey proves the decision, and says what it does not prove', async (t) => {
  for (const decision of ['approve', 'deny'] as const) {
    const evidence = written(await made({}, decision))
    const report = await verifyEvidence(evidence)
    assert.equal(report.verdict, 'verified')
    assert.ok(report.checks.every(({ result }) => result === 'holds'))
    assert.equal(report.fingerprint, fingerprint)
    assert.match(report.proven.join(), decision === 'approve' ? / approved / : / denied /)
    assert.match(report.notProven.join('\n'), new RegExp(fingerprint))
    assert.match(report.notProven.join('\n'), /the file says so itself/)
  }
  await t.test('whose text hashes to the challenge, for a program that is not ours', async () => {
    const evidence = await made()
    const client = JSON.parse(
      Buffer.from(evidence.assertion.clientDataJSON, 'base64url').toString(),
    ) as { challenge: string }
    assert.equal(createHash('sha256').update(evidence.text).digest('base64url'), client.challenge)
  })
  await t.test('and less is left open where origin and fingerprint are known', async () => {
    const report = await verifyEvidence(await made(), { origin: publicUrl, fingerprint })
    assert.equal(report.verdict, 'verified')
    assert.ok(!report.notProven.join('\n').includes('the file says so itself'))
  })
})

test('evidence is refuted', async (t) => {
  const textSays = 'The decision text says this document, this decision and this approver.'
  const challengeIs = 'Its challenge is the SHA-256 of the decision text.'
  const good = await made()

  await t.test('where any member of what was signed is another', async () => {
    const { approver, document } = good
    const changes: readonly Partial<PasskeyEvidence>[] = [
      { decision: 'deny' },
      { approver: { ...approver, id: newId('operator') } },
      { document: { ...document, requestDigest: 'cd'.repeat(32) } },
      { document: { ...document, nonce: approvalDocument().nonce } },
      { document: { ...document, facts: [] } },
      { document: { ...document, expiresAt: document.expiresAt + 1 } },
      { document: { ...document, environment: { ...document.environment, protected: true } } },
      { document: { ...document, agent: { ...document.agent, name: 'someone else' } } },
    ]
    for (const change of changes)
      assert.deepEqual(await failing({ ...good, ...change }), [textSays, challengeIs])
  })

  await t.test('where one character of the document is another, wherever it is', async () => {
    const text = JSON.stringify(good.document)
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), async (at) => {
        const other = text[at] === '7' ? '8' : '7'
        let document: unknown
        try {
          document = JSON.parse(text.slice(0, at) + other + text.slice(at + 1))
        } catch {
          return
        }
        const read = readEvidence(Buffer.from(JSON.stringify({ ...good, document })))
        for (const each of read.ok ? read.evidence : [])
          assert.equal((await verifyEvidence(each)).verdict, 'refuted')
      }),
      { numRuns: 100 },
    )
  })

  await t.test('where the text beside it is another', async () => {
    assert.deepEqual(await failing({ ...good, text: `${good.text} ` }), [textSays])
  })

  await t.test('where the assertion is wrong, and says at which check', async () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const cases: readonly (readonly [Misbehaviour, RegExp])[] = [
      [{ type: 'webauthn.create' }, /not a registration/],
      [{ challenge: 'AAAA' }, /SHA-256 of the decision text/],
      [{ origin: 'https://evil.test' }, /broker’s origin/],
      [{ crossOrigin: true }, /no other site’s frame/],
      [{ rpId: 'evil.test' }, /relying party/],
      [{ userVerified: false }, /verified the user/],
      [{ key }, /signature is good/],
      [{ counter: 0 }, /counter went on/],
      [{ clientData: '{' }, /can be read/],
    ]
    for (const [wrong, what] of cases) {
      // Counters of the earlier rounds are behind the one that is stored: only `counter` shall matter here.
      authenticator.counter += 10
      const evidence = await made(wrong)
      const report = await verifyEvidence(written(evidence))
      assert.equal(report.verdict, 'refuted')
      const failed = report.checks.filter(({ result }) => result === 'fails')
      assert.equal(failed.length, 1)
      assert.match(failed[0]?.what ?? '', what)
      const at = report.checks.findIndex(({ result }) => result === 'fails')
      assert.ok(report.checks.slice(0, at).every(({ result }) => result === 'holds'))
      assert.ok(report.checks.slice(at + 1).every(({ result }) => result === 'not_reached'))
    }
  })

  await t.test('where it was decided too late, or before it was asked', async () => {
    const what = 'It was decided after it was asked, and before it expired, by the broker’s clock.'
    for (const decidedAt of [document.expiresAt, document.requestedAt - 1])
      assert.deepEqual(await failing({ ...good, decidedAt }), [what])
  })

  await t.test('where a whole file was made with a key and an origin of the forger’s', async () => {
    // Without anything known from elsewhere it agrees with itself, and says that this is all.
    const forger = createAuthenticator({ origin: 'https://evil.test' })
    const url = 'https://evil.test'
    const asked = { document, decision: 'approve', approverId: approver.id } as const
    const options = await assertionOptions({ ...asked, passkeys: [], publicUrl: url, now: 0 })
    const { credentialId, publicKey } = forger
    const assertion = forger.assert(options)
    const forged = {
      ...good,
      publicUrl: url,
      passkey: {
        ...good.passkey,
        credentialId,
        publicKey: publicKey.toString('base64url'),
        counter: 0,
      },
      assertion: assertion.response,
    }
    assert.equal((await verifyEvidence(written(forged))).verdict, 'verified')
    assert.deepEqual(await failing(forged, { fingerprint }), [
      'The public key is the expected one.',
    ])
    assert.equal((await failing(forged, { origin: publicUrl })).length, 2)
  })
})

test('evidence of a one-time code is never verified', async () => {
  const base = { document, decision: 'approve', approver, decidedAt, publicUrl } as const
  const report = await verifyEvidence(written(codeEvidence(base, 7)), { origin: publicUrl })
  assert.equal(report.verdict, 'unverifiable')
  assert.deepEqual(report.proven, [])
  assert.match(report.notProven.join(), /broker’s word alone/)
  const late = await verifyEvidence(codeEvidence({ ...base, decidedAt: document.expiresAt }, 7))
  assert.equal(late.verdict, 'refuted')
})

test('evidence of several persons is read as a list, each for itself', async () => {
  const [yes, no] = [await made(), await made({}, 'deny')]
  const read = readEvidence(Buffer.from(JSON.stringify([yes, no])))
  assert.ok(read.ok)
  assert.deepEqual(read.evidence, [yes, no])
})

test('evidence of a request as deep as any that is understood can be read', async () => {
  const deep = JSON.parse('{"a":'.repeat(64) + '1' + '}'.repeat(64)) as never
  const [operation] = document.operations
  assert.ok(operation !== undefined)
  const nested = { ...document, operations: [{ ...operation, arguments: deep }] }
  const evidence = { ...(await made()), document: nested }
  assert.ok(readEvidence(Buffer.from(JSON.stringify([evidence]))).ok)
})

test('a file that is no evidence is not read', async (t) => {
  const good = await made()
  const cases: readonly (readonly [string, unknown])[] = [
    ['nothing', null],
    ['an empty list', []],
    ['a list of lists', [[good]]],
    ['two about different documents', [good, { ...good, document: approvalDocument() }]],
    ['another version', { ...good, v: 2 }],
    ['another kind', { ...good, kind: 'note' }],
    ['no document', { ...good, document: 'approved' }],
    ['another decision', { ...good, decision: 'approved' }],
    ['no approver', { ...good, approver: { id: 'ag_1', name: 'x' } }],
    ['no time', { ...good, decidedAt: -1 }],
    ['an origin with a path', { ...good, publicUrl: `${publicUrl}/` }],
    ['an origin of nothing', { ...good, publicUrl: 'data:text/html,' }],
    ['no passkey', { ...good, passkey: undefined }],
    ['no assertion', { ...good, assertion: {} }],
    ['no text', { ...good, text: undefined }],
    ['a passkey called a code', { ...good, kind: 'one_time_code' }],
  ]
  for (const [what, value] of cases)
    await t.test(what, () => {
      assert.ok(!readEvidence(Buffer.from(JSON.stringify(value))).ok)
    })
  await t.test('a decision that stands there twice', () => {
    const twice = JSON.stringify(good).replace('"decision":', '"decision":"deny","decision":')
    assert.ok(!readEvidence(Buffer.from(twice)).ok)
  })
})

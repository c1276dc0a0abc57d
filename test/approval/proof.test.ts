import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { verifyEvidence } from '../../src/approval/verify-evidence.ts'
import {
  checkCode,
  confirmCode,
  enrolCode,
  newCodeSecret,
  type CodeSealer,
} from '../../src/approval/one-time-code.ts'
import { addPasskey, listPasskeys, removePasskey } from '../../src/approval/passkey.ts'
import { useProof, verifyDecision, type DecisionProof } from '../../src/approval/proof.ts'
import { assertionOptions } from '../../src/approval/ceremony.ts'
import { openDatabase, type Tx } from '../../src/db/open.ts'
import { createOperator } from '../../src/directory/operator.ts'
import type { OperatorId, PasskeyId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'
import {
  createAuthenticator,
  type Misbehaviour,
  type VirtualAuthenticator,
} from '../support/authenticator.ts'
import { createTestDatabase } from '../support/cluster.ts'

const publicUrl = 'https://broker.acme.example'
const kekId = 'kek_test'
const codes: CodeSealer = {
  kekId: () => kekId,
  seal: (plaintext) => Promise.resolve(Buffer.from(plaintext.toReversed())),
  open: (sealed) => Promise.resolve(Buffer.from(sealed.toReversed())),
}

test('a decision’s proof', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  const within = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => db.transaction().execute(work)
  const document = approvalDocument()
  const now = document.requestedAt + 5_000
  const world = { db, codes, publicUrl, now }
  const decision = 'approve' as const

  async function addOperator(name: string): Promise<{ id: OperatorId; name: string }> {
    const roles = ['approver'] as const
    const id = await within((tx) => createOperator(tx, { name, roles, setupSecret: name, now }))
    return { id, name }
  }
  async function addKey(
    operatorId: OperatorId,
    counts = true,
  ): Promise<{ id: PasskeyId; authenticator: VirtualAuthenticator }> {
    const authenticator = createAuthenticator({ origin: publicUrl, counts })
    const { credentialId, publicKey } = authenticator
    const id = await within((tx) =>
      addPasskey(
        tx,
        {
          credentialId,
          publicKey,
          algorithm: 'ES256',
          counter: 0,
          aaguid: '',
          transports: [],
          synced: !counts,
          operatorId,
          name: 'key',
        },
        now,
      ),
    )
    return { id: id as PasskeyId, authenticator }
  }
  async function touch(
    approverId: OperatorId,
    authenticator: VirtualAuthenticator,
    wrong: Misbehaviour = {},
  ): Promise<DecisionProof> {
    const passkeys = await listPasskeys(db, approverId)
    const options = await assertionOptions({
      document,
      decision,
      approverId,
      passkeys,
      publicUrl,
      now,
    })
    return { kind: 'passkey', assertion: authenticator.assert(options, wrong) }
  }
  const ada = await addOperator('ada')
  const sam = await addOperator('sam')
  await db
    .insertInto('key_encryption_key')
    .values({ id: kekId, source: 'env', derivation: null, sealed_check: Buffer.alloc(1) })
    .execute()

  await t.test('by a passkey gives evidence that stands without the database', async () => {
    const { id, authenticator } = await addKey(ada.id)
    const proof = await touch(ada.id, authenticator)
    const result = await verifyDecision(world, { document, decision, approver: ada, proof })
    assert.ok(result.ok)
    assert.deepEqual(result.use, { kind: 'passkey', passkeyId: id, counter: 1 })
    const evidence = JSON.parse(JSON.stringify(result.evidence)) as typeof result.evidence
    assert.deepEqual(evidence, result.evidence)
    const report = await verifyEvidence(evidence, { origin: publicUrl })
    assert.equal(report.verdict, 'verified')
  })

  await t.test('is used up once: of many copies of one touch, one counts', async () => {
    const { authenticator } = await addKey(ada.id)
    const proof = await touch(ada.id, authenticator)
    const results = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const result = await verifyDecision(world, { document, decision, approver: ada, proof })
        return result.ok ? within((tx) => useProof(tx, result.use, now)) : result.refusal
      }),
    )
    assert.equal(results.filter((each) => each === undefined).length, 1)
    assert.equal(results.filter((each) => each === 'counter_went_back').length, 5)
    const again = await verifyDecision(world, { document, decision, approver: ada, proof })
    assert.ok(!again.ok && again.refusal === 'counter_went_back')
  })

  await t.test('of a copied authenticator is refused, and names it', async () => {
    const { id, authenticator } = await addKey(ada.id)
    authenticator.counter = 40
    const first = await verifyDecision(world, {
      document,
      decision,
      approver: ada,
      proof: await touch(ada.id, authenticator),
    })
    assert.ok(first.ok)
    assert.equal(await within((tx) => useProof(tx, first.use, now)), undefined)
    const proof = await touch(ada.id, authenticator, { counter: 12 })
    const copied = await verifyDecision(world, { document, decision, approver: ada, proof })
    assert.deepEqual(copied, { ok: false, refusal: 'counter_went_back', passkeyId: id })
  })

  await t.test('by a synced passkey, which does not count, is good each time', async () => {
    const { authenticator } = await addKey(ada.id, false)
    for (let i = 0; i < 2; i++) {
      const proof = await touch(ada.id, authenticator)
      const result = await verifyDecision(world, { document, decision, approver: ada, proof })
      assert.ok(result.ok)
      assert.equal(await within((tx) => useProof(tx, result.use, now)), undefined)
    }
  })

  await t.test('by a passkey that is removed before it takes effect is refused', async () => {
    const { id, authenticator } = await addKey(ada.id)
    const proof = await touch(ada.id, authenticator)
    const result = await verifyDecision(world, { document, decision, approver: ada, proof })
    assert.ok(result.ok)
    await within((tx) => removePasskey(tx, id))
    assert.equal(await within((tx) => useProof(tx, result.use, now)), 'no_such_passkey')
    const later = await verifyDecision(world, { document, decision, approver: ada, proof })
    assert.deepEqual(later, { ok: false, refusal: 'no_such_passkey' })
  })

  await t.test(
    'by another’s passkey is refused, though it signs this approver’s challenge',
    async () => {
      const { authenticator } = await addKey(sam.id)
      const proof = await touch(ada.id, authenticator)
      const result = await verifyDecision(world, { document, decision, approver: ada, proof })
      assert.deepEqual(result, { ok: false, refusal: 'no_such_passkey' })
    },
  )

  await t.test(
    'by a one-time code is good once, and its evidence is called what it is',
    async () => {
      const { secret, sealed } = await newCodeSecret(codes, sam, publicUrl)
      await within((tx) => enrolCode(tx, sam.id, sealed, kekId))
      const codeAt = (at: number) => generate({ secret, epoch: at / 1000 })
      const before = now - 600_000
      const input = { operatorId: sam.id, state: 'waiting', now: before } as const
      const checked = await checkCode(db, codes, { ...input, code: await codeAt(before) })
      assert.ok(checked.ok)
      await within((tx) => confirmCode(tx, sam.id, checked, before))

      const proof = { kind: 'one_time_code', code: await codeAt(now) } as const
      const decide = () => verifyDecision(world, { document, decision, approver: sam, proof })
      const [first, second] = [await decide(), await decide()]
      assert.ok(first.ok && second.ok)
      assert.equal(await within((tx) => useProof(tx, first.use, now)), undefined)
      assert.equal(await within((tx) => useProof(tx, second.use, now)), 'code_used')
      assert.deepEqual(await decide(), { ok: false, refusal: 'code_used' })
      assert.equal((await verifyEvidence(first.evidence)).verdict, 'unverifiable')
      assert.ok(!JSON.stringify(first.evidence).includes(proof.code))
      const asAda = await verifyDecision(world, { document, decision, approver: ada, proof })
      assert.deepEqual(asAda, { ok: false, refusal: 'no_code_enrolled' })
    },
  )
})

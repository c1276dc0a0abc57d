import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { generate } from 'otplib'
import {
  checkCode,
  confirmCode,
  enrolCode,
  newCodeSecret,
  oneTimeCodesOn,
  readCodeState,
  removeCode,
  switchOneTimeCodes,
  useCode,
  type CodeSealer,
} from '../../src/approval/one-time-code.ts'
import { openDatabase, type Db, type Tx } from '../../src/db/open.ts'
import { createOperator } from '../../src/directory/operator.ts'
import type { OperatorId } from '../../src/ids.ts'
import { createTestDatabase } from '../support/cluster.ts'

const publicUrl = 'https://broker.acme.example'
/** The beginning of a time step. */
const start = 1_800_000_000_000
const kekId = 'kek_test'

/** Another key-encryption than the vault's, so that this knows no vault either. */
function testSealer(): CodeSealer {
  const key = randomBytes(32)
  return {
    kekId: () => kekId,
    seal(plaintext, id) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id))
      const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
      return Promise.resolve(Buffer.concat([nonce, cipher.getAuthTag(), sealed]))
    },
    open(sealed, id) {
      const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
      cipher.setAAD(Buffer.from(id)).setAuthTag(sealed.subarray(12, 28))
      return Promise.resolve(Buffer.concat([cipher.update(sealed.subarray(28)), cipher.final()]))
    },
  }
}

function within<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(work)
}

const sealer = testSealer()
let made = 0

type Enrolled = { readonly id: OperatorId; readonly secret: string }

async function prepared(db: Db): Promise<Enrolled> {
  const name = `operator ${String(++made)}`
  const id = await within(db, (tx) =>
    createOperator(tx, { name, roles: ['approver'], setupSecret: name, now: start }),
  )
  const { secret, sealed } = await newCodeSecret(sealer, { id, name }, publicUrl)
  assert.ok(await within(db, (tx) => enrolCode(tx, id, sealed, kekId)))
  return { id, secret }
}

/** Enrolled an hour before `start`. */
async function enrolled(db: Db): Promise<Enrolled> {
  const operator = await prepared(db)
  const now = start - 3_600_000
  const input = { operatorId: operator.id, state: 'waiting', now } as const
  const checked = await checkCode(db, sealer, { ...input, code: await codeAt(operator, now) })
  assert.ok(checked.ok)
  assert.ok(await within(db, (tx) => confirmCode(tx, operator.id, checked, now)))
  return operator
}

function codeAt({ secret }: Enrolled, now: number): Promise<string> {
  return generate({ secret, epoch: now / 1000 })
}

function check(db: Db, { id: operatorId }: Enrolled, code: string, now: number) {
  return checkCode(db, sealer, { operatorId, code, state: 'enrolled', now })
}

test('one-time codes', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection)
  await db
    .insertInto('key_encryption_key')
    .values({ id: kekId, source: 'env', derivation: null, sealed_check: Buffer.alloc(1) })
    .execute()
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })

  await t.test('are off until an admin says otherwise', async () => {
    assert.equal(await oneTimeCodesOn(db), false)
    await within(db, (tx) => switchOneTimeCodes(tx, 'on', start))
    assert.equal(await oneTimeCodesOn(db), true)
    await within(db, (tx) => switchOneTimeCodes(tx, 'off', start))
    assert.equal(await oneTimeCodesOn(db), false)
  })

  await t.test('have a secret of 160 bits, which the database holds sealed', async () => {
    const operator = await prepared(db)
    assert.match(operator.secret, /^[A-Z2-7]{32}$/)
    const row = await db
      .selectFrom('one_time_code')
      .selectAll()
      .where('operator_id', '=', operator.id)
      .executeTakeFirstOrThrow()
    const opened = await sealer.open(row.sealed, operator.id)
    assert.equal(opened.length, 20)
    assert.ok(!row.sealed.includes(opened))
    assert.ok(!row.sealed.includes(operator.secret))
  })

  await t.test('are read by an app from a URI that names the broker and the operator', async () => {
    const { id } = await prepared(db)
    const { uri, secret } = await newCodeSecret(sealer, { id, name: 'ada' }, publicUrl)
    const parsed = new URL(uri)
    assert.equal(parsed.protocol, 'otpauth:')
    assert.equal(parsed.searchParams.get('secret'), secret)
    assert.equal(parsed.searchParams.get('issuer'), 'Valetkey (broker.acme.example)')
  })

  await t.test('are in force once a first code was shown, and not before', async () => {
    const operator = await prepared(db)
    assert.deepEqual(await readCodeState(db, operator.id), { state: 'waiting' })
    assert.deepEqual(await check(db, operator, await codeAt(operator, start), start), {
      ok: false,
      refusal: 'no_code_enrolled',
    })
    const { id } = await enrolled(db)
    assert.deepEqual(await readCodeState(db, id), { state: 'enrolled' })
  })

  await t.test('are not confirmed by a code of a secret that was replaced meanwhile', async () => {
    const operator = await prepared(db)
    const input = { operatorId: operator.id, state: 'waiting', now: start } as const
    const code = await codeAt(operator, start)
    const checked = await checkCode(db, sealer, { ...input, code })
    assert.ok(checked.ok)
    const { sealed } = await newCodeSecret(sealer, { id: operator.id, name: 'x' }, publicUrl)
    assert.ok(await within(db, (tx) => enrolCode(tx, operator.id, sealed, kekId)))
    assert.equal(await within(db, (tx) => confirmCode(tx, operator.id, checked, start)), false)
  })

  await t.test('in force are not replaced, only removed', async () => {
    const operator = await enrolled(db)
    const { sealed } = await newCodeSecret(sealer, { id: operator.id, name: 'x' }, publicUrl)
    assert.equal(await within(db, (tx) => enrolCode(tx, operator.id, sealed, kekId)), false)
    assert.equal(await within(db, (tx) => removeCode(tx, operator.id)), true)
    assert.equal(await within(db, (tx) => removeCode(tx, operator.id)), false)
    assert.deepEqual(await readCodeState(db, operator.id), { state: 'none' })
  })

  await t.test(
    'are good now, half a minute early and half a minute late, and no further',
    async () => {
      for (const [offset, good] of [
        [0, true],
        [-30_000, true],
        [30_000, true],
        [-60_000, false],
        [60_000, false],
      ] as const) {
        const operator = await enrolled(db)
        const result = await check(db, operator, await codeAt(operator, start + offset), start)
        assert.equal(result.ok, good, String(offset))
      }
    },
  )

  await t.test('of another operator are not good', async () => {
    const [operator, other] = [await enrolled(db), await enrolled(db)]
    const result = await check(db, operator, await codeAt(other, start), start)
    assert.deepEqual(result, { ok: false, refusal: 'wrong_code' })
  })

  await t.test('are accepted once, also when many send the same at once', async () => {
    const operator = await enrolled(db)
    const checked = await check(db, operator, await codeAt(operator, start), start)
    assert.ok(checked.ok)
    const used = await Promise.all(
      Array.from({ length: 8 }, () => within(db, (tx) => useCode(tx, operator.id, checked.step))),
    )
    assert.equal(used.filter((each) => each === undefined).length, 1)
    assert.equal(used.filter((each) => each === 'code_used').length, 7)
    const again = await check(db, operator, await codeAt(operator, start), start + 1_000)
    assert.deepEqual(again, { ok: false, refusal: 'code_used' })
    const earlier = await check(db, operator, await codeAt(operator, start - 30_000), start + 2_000)
    assert.deepEqual(earlier, { ok: false, refusal: 'code_used' })
  })

  await t.test('are tried five times in any minute, on any number of connections', async () => {
    const operator = await enrolled(db)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => check(db, operator, '000000', start + i)),
    )
    const refusals = results.map((result) => (result.ok ? 'good' : result.refusal))
    assert.equal(refusals.filter((each) => each === 'too_many_attempts').length, 15)
    const good = await codeAt(operator, start)
    const late = await check(db, operator, good, start + 30_000)
    assert.deepEqual(late, { ok: false, refusal: 'too_many_attempts' }, 'not even the right one')
    const later = start + 61_000
    assert.ok((await check(db, operator, await codeAt(operator, later), later)).ok)
  })

  await t.test('are counted over a minute that slides, not one that starts anew', async () => {
    const operator = await enrolled(db)
    const refusalAt = async (at: number) => {
      const result = await check(db, operator, '00000x', start + at)
      return result.ok ? 'good' : result.refusal
    }
    for (const at of [0, 56_000, 57_000, 58_000, 59_000])
      assert.equal(await refusalAt(at), 'wrong_code')
    // The first has left the minute; the other four have not.
    assert.equal(await refusalAt(60_000), 'wrong_code')
    assert.equal(await refusalAt(61_000), 'too_many_attempts')
    assert.equal(await refusalAt(115_999), 'too_many_attempts')
    assert.equal(await refusalAt(116_000), 'wrong_code')
  })

  await t.test('keep their attempts when the secret is made anew', async () => {
    const operator = await prepared(db)
    const input = { operatorId: operator.id, state: 'waiting', now: start, code: '000000' } as const
    for (let i = 0; i < 5; i++) await checkCode(db, sealer, input)
    const { sealed } = await newCodeSecret(sealer, { id: operator.id, name: 'x' }, publicUrl)
    assert.ok(await within(db, (tx) => enrolCode(tx, operator.id, sealed, kekId)))
    assert.deepEqual(await checkCode(db, sealer, input), {
      ok: false,
      refusal: 'too_many_attempts',
    })
  })
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  addPasskey,
  countApproversWithPasskey,
  listPasskeys,
  mostPasskeys,
  openRegistration,
  removePasskey,
  takeRegistration,
  usePasskey,
} from '../../src/approval/passkey.ts'
import { ceremonyTime } from '../../src/approval/ceremony.ts'
import { type NewPasskey } from '../../src/approval/webauthn.ts'
import { openDatabase, type Db, type Tx } from '../../src/db/open.ts'
import { createOperator } from '../../src/directory/operator.ts'
import type { OperatorId, PasskeyId } from '../../src/ids.ts'
import { createTestDatabase } from '../support/cluster.ts'

const now = 1_800_000_000_000
let made = 0

function newPasskey(change: Partial<NewPasskey> = {}): NewPasskey {
  return {
    credentialId: randomBytes(32).toString('base64url'),
    publicKey: randomBytes(77),
    algorithm: 'ES256',
    counter: 0,
    aaguid: '00'.repeat(16),
    transports: ['usb'],
    synced: false,
    ...change,
  }
}

async function addOperator(db: Db): Promise<OperatorId> {
  const name = `operator ${String(++made)}`
  return db
    .transaction()
    .execute((tx) => createOperator(tx, { name, roles: ['approver'], setupSecret: name, now }))
}

function add(db: Db, operatorId: OperatorId, change: Partial<NewPasskey> = {}) {
  const passkey = { ...newPasskey(change), operatorId, name: 'key' }
  return db.transaction().execute((tx) => addPasskey(tx, passkey, now))
}

function within<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(work)
}

test('passkeys in the database', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  const ada = await addOperator(db)
  const sam = await addOperator(db)

  await t.test('a registration’s challenge works once, for its operator alone', async () => {
    const challenge = await openRegistration(db, ada, now)
    assert.equal(challenge.length, 32)
    assert.equal(await takeRegistration(db, sam, now), undefined)
    const taken = await Promise.all(
      Array.from({ length: 8 }, () => takeRegistration(db, ada, now + 1)),
    )
    assert.deepEqual(
      taken.filter((each) => each !== undefined),
      [challenge],
    )
  })

  await t.test('a challenge ends after five minutes', async () => {
    assert.equal(ceremonyTime, 5 * 60_000)
    await openRegistration(db, ada, now)
    assert.equal(await takeRegistration(db, ada, now + ceremonyTime), undefined)
    const challenge = await openRegistration(db, ada, now)
    assert.deepEqual(await takeRegistration(db, ada, now + ceremonyTime - 1), challenge)
  })

  await t.test('a new challenge takes the place of the old', async () => {
    const first = await openRegistration(db, ada, now)
    const second = await openRegistration(db, ada, now)
    assert.notDeepEqual(first, second)
    assert.deepEqual(await takeRegistration(db, ada, now), second)
  })

  await t.test('a credential belongs to one operator, whoever is first', async () => {
    const { credentialId } = newPasskey()
    const results = await Promise.all(
      [ada, sam, ada, sam].map((operatorId) => add(db, operatorId, { credentialId })),
    )
    assert.equal(results.filter((result) => result === 'taken').length, 3)
    const all = [...(await listPasskeys(db, ada)), ...(await listPasskeys(db, sam))]
    assert.equal(all.filter((each) => each.credentialId === credentialId).length, 1)
  })

  await t.test('an operator has so many at most, also when several come at once', async () => {
    const operatorId = await addOperator(db)
    const results = await Promise.all(
      Array.from({ length: mostPasskeys + 4 }, () => add(db, operatorId)),
    )
    assert.equal(results.filter((result) => result === 'too_many').length, 4)
    assert.equal((await listPasskeys(db, operatorId)).length, mostPasskeys)
  })

  await t.test('a counter only rises, and one use of a count wins', async () => {
    const id = (await add(db, ada, { counter: 4 })) as PasskeyId
    const use = (counter: number) => within(db, (tx) => usePasskey(tx, id, counter, now))
    const results = await Promise.all(Array.from({ length: 6 }, () => use(5)))
    assert.equal(results.filter((result) => result === undefined).length, 1)
    assert.equal(results.filter((result) => result === 'counter_went_back').length, 5)
    for (const counter of [5, 4, 0]) assert.equal(await use(counter), 'counter_went_back')
    assert.equal(await use(4_294_967_295), undefined)
    const [passkey] = (await listPasskeys(db, ada)).filter((each) => each.id === id)
    assert.equal(passkey?.counter, 4_294_967_295)
    assert.deepEqual(passkey.lastUsedAt, new Date(now))
  })

  await t.test(
    'one that does not count is used at 0 again and again, until it counts',
    async () => {
      const id = (await add(db, ada, { synced: true })) as PasskeyId
      const use = (counter: number) => within(db, (tx) => usePasskey(tx, id, counter, now))
      assert.equal(await use(0), undefined)
      assert.equal(await use(0), undefined)
      assert.equal(await use(1), undefined)
      assert.equal(await use(0), 'counter_went_back')
    },
  )

  await t.test('one that was removed is not used, and removed once', async () => {
    const id = (await add(db, ada)) as PasskeyId
    const removed = await Promise.all([1, 2].map(() => within(db, (tx) => removePasskey(tx, id))))
    assert.equal(removed.filter((each) => each?.id === id).length, 1)
    assert.equal(await within(db, (tx) => usePasskey(tx, id, 1, now)), 'no_such_passkey')
  })

  await t.test('who can decide is counted: active, an approver, with a passkey', async () => {
    const count = () => within(db, countApproversWithPasskey)
    const before = await count()
    const operatorId = await addOperator(db)
    assert.equal(await count(), before)
    await add(db, operatorId)
    await add(db, operatorId)
    assert.equal(await count(), before + 1)
    for (const change of [{ roles: ['auditor'] }, { state: 'disabled' }] as const) {
      const as = { roles: ['approver'], state: 'active', ...change } as const
      await db
        .updateTable('operator')
        .set({ roles: [...as.roles], state: as.state })
        .where('id', '=', operatorId)
        .execute()
      assert.equal(await count(), before)
    }
  })
})

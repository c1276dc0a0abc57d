import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { makeHandle } from '../../src/capability/handle-form.ts'
import { createHandleStore, type HandleKeys } from '../../src/capability/handle.ts'
import type { CapabilityClaims } from '../../src/capability/claims.ts'
import { defaultHandle } from '../../src/core/handle-shape.ts'
import { openDatabase } from '../../src/db/open.ts'
import { newId } from '../../src/ids.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { until } from '../support/until.ts'

const keys: HandleKeys = { mark: Buffer.alloc(32, 1), record: Buffer.alloc(32, 2) }

function claimsOf(exp = Math.floor(Date.now() / 1000) + 300): CapabilityClaims {
  const agent = newId('agent')
  return {
    iss: 'http://localhost:8474',
    aud: 'http://localhost:8474',
    sub: agent,
    client_id: agent,
    jti: newId('capability'),
    iat: exp - 300,
    exp,
    grant: newId('grant'),
    binding: 1,
    authorization_details: [
      { type: 'valetkey', provider: 'railway', environment: newId('environment'), verbs: ['read'] },
    ],
  }
}

test('handles in the database', async (t) => {
  const database = await createTestDatabase()
  const plain = openDatabase(database.connection)
  let queries = 0
  const db = plain.withPlugin({
    transformQuery({ node }) {
      queries++
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  })
  t.after(async () => {
    await plain.destroy()
    await database.drop()
  })
  let altered = 0
  const open = (with_: HandleKeys | undefined = keys) =>
    createHandleStore({ db, keys: () => with_, altered: () => altered++ })
  const store = open()
  const rowOf = (handle: string) =>
    plain
      .selectFrom('handle')
      .selectAll()
      .where('hash', '=', createHash('sha256').update(handle).digest())
      .executeTakeFirstOrThrow()

  await t.test('say what was kept, on any replica, and lie nowhere themselves', async () => {
    const claims = claimsOf()
    const handle = await store.keep(claims, defaultHandle)
    for (const replica of [store, open()])
      assert.deepEqual(await replica.find(handle), { ok: true, claims })
    const row = await rowOf(handle)
    assert.equal(row.expires_at.getTime(), claims.exp * 1000)
    const all = JSON.stringify(row, (_key, value: unknown) =>
      value !== null && typeof value === 'object' && 'data' in value
        ? Buffer.from(value.data as number[]).toString('latin1')
        : value,
    )
    assert.ok(all.includes(claims.jti))
    assert.ok(!all.includes(handle.slice(defaultHandle.prefix.length)))
  })

  await t.test('cost no query where they have no mark', async () => {
    const before = queries
    for (let i = 0; i < 50; i++) {
      const guess = `vkh_${randomBytes(20).toString('hex')}`
      assert.deepEqual(await store.find(guess), { ok: false, reason: 'unmarked' })
    }
    assert.equal(queries, before)
  })

  await t.test('cost one query where they are marked and are not there', async () => {
    const gone = makeHandle(defaultHandle, keys.mark, randomBytes)
    const before = queries
    for (let i = 0; i < 50; i++)
      assert.deepEqual(await store.find(gone), { ok: false, reason: 'unknown' })
    assert.equal(queries, before + 1)
  })

  await t.test('are refused where their row was edited, and that is told once', async () => {
    const handle = await store.keep(claimsOf(), defaultHandle)
    const { hash, claims } = await rowOf(handle)
    await plain
      .updateTable('handle')
      .set({ claims: claims.replace('"read"', '"write"') })
      .where('hash', '=', hash)
      .execute()
    const before = altered
    for (let i = 0; i < 2; i++)
      assert.deepEqual(await store.find(handle), { ok: false, reason: 'altered' })
    assert.equal(altered, before + 1)
  })

  await t.test('are refused with the row of another', async () => {
    const [mine, other] = [
      await store.keep(claimsOf(), defaultHandle),
      await store.keep(claimsOf(), defaultHandle),
    ]
    const { claims, mac } = await rowOf(other)
    const { hash } = await rowOf(mine)
    await plain.updateTable('handle').set({ claims, mac }).where('hash', '=', hash).execute()
    assert.deepEqual(await store.find(mine), { ok: false, reason: 'altered' })
    assert.equal((await store.find(other)).ok, true)
  })

  await t.test('are refused where another key has authenticated the row', async () => {
    const forger = open({ ...keys, record: Buffer.alloc(32, 9) })
    const handle = await forger.keep(claimsOf(), defaultHandle)
    assert.deepEqual(await store.find(handle), { ok: false, reason: 'altered' })
  })

  await t.test('are neither made nor found while the broker is sealed', async () => {
    const handle = await store.keep(claimsOf(), defaultHandle)
    const sealed = createHandleStore({ db, keys: () => undefined, altered: () => altered++ })
    assert.equal((await sealed.find(handle)).ok, false)
    await assert.rejects(sealed.keep(claimsOf(), defaultHandle), /sealed/)
  })

  await t.test('go some time after they have expired, and no other goes with them', async () => {
    const now = Math.floor(Date.now() / 1000)
    const fresh = open()
    const old = await fresh.keep(claimsOf(now - 3_600), defaultHandle)
    const recent = await fresh.keep(claimsOf(now - 60), defaultHandle)
    const good = await fresh.keep(claimsOf(), defaultHandle)
    assert.equal((await open().find(old)).ok, true)
    await Promise.all(Array.from({ length: 100 }, () => fresh.keep(claimsOf(), defaultHandle)))
    await until('the old one is gone', async () => ((await open().find(old)).ok ? undefined : true))
    for (const left of [recent, good]) assert.equal((await open().find(left)).ok, true)
  })

  await t.test(
    'are not refused for good, but by an error, where the database is away',
    async () => {
      const handle = await store.keep(claimsOf(), defaultHandle)
      const away = openDatabase(database.connection)
      const cut = createHandleStore({ db: away, keys: () => keys, altered: () => altered++ })
      assert.equal((await cut.find(handle)).ok, true)
      await away.destroy()
      await assert.rejects(cut.find(handle))
      await assert.rejects(cut.keep(claimsOf(), defaultHandle))
      assert.equal((await store.find(handle)).ok, true)
    },
  )
})

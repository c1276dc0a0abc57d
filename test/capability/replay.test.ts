import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { createReplayStore, type ReplayKind } from '../../src/capability/replay.ts'
import { openDatabase } from '../../src/db/open.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { until } from '../support/until.ts'

const later = (): number => Date.now() + 300_000

test('what may be shown once', async (t) => {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection)
  const other = openDatabase(database.connection)
  t.after(async () => {
    await Promise.all([db.destroy(), other.destroy()])
    await database.drop()
  })
  const replicas = [createReplayStore(db), createReplayStore(other)] as const
  const left = async (): Promise<number> => {
    const { rows } = await db
      .selectFrom('replay')
      .select((e) => e.fn.countAll<string>().as('rows'))
      .executeTakeFirstOrThrow()
    return Number(rows)
  }

  await t.test(
    'is new exactly once, at two replicas at the same moment, many times each',
    async () => {
      const expiresAt = later()
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          replicas[i % 2 === 0 ? 0 : 1].use('dpop', 'once', `jti-${String(i % 4)}`, expiresAt),
        ),
      )
      assert.equal(answers.filter(Boolean).length, 4)
    },
  )

  await t.test('is no deadlock for two batches that name the same in opposite orders', async () => {
    const expiresAt = later()
    const hashOf = (jti: string): Buffer =>
      createHash('sha256')
        .update(JSON.stringify(['dpop', 'orders', jti]))
        .digest()
    const names = Array.from({ length: 100 }, (_, i) => `jti-${String(i)}`).toSorted((a, b) =>
      Buffer.compare(hashOf(a), hashOf(b)),
    )
    // Both come to a halt in the middle; each would then wait for the half that the other has.
    const held = openDatabase(database.connection)
    const halt = await held.startTransaction().execute()
    await halt
      .insertInto('replay')
      .values({ hash: hashOf(names[50] ?? ''), expires_at: new Date(expiresAt) })
      .execute()
    const answers = Promise.all([
      ...names.map((name) => replicas[0].use('dpop', 'orders', name, expiresAt)),
      ...names.toReversed().map((name) => replicas[1].use('dpop', 'orders', name, expiresAt)),
    ])
    answers.catch(() => undefined)
    await until('both wait', async () => {
      const { rows } = await sql`
        select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `.execute(held)
      return rows.length === 2 ? true : undefined
    })
    await halt.rollback().execute()
    await held.destroy()
    assert.equal((await answers).filter(Boolean).length, 100)
  })

  await t.test(
    'is new once for each kind and scope, and no two triples are taken for one',
    async () => {
      const expiresAt = later()
      const kinds: readonly ReplayKind[] = ['client_assertion', 'subject_token', 'dpop']
      const seen = new Set<string>()
      const part = fc.oneof(
        fc.constantFrom('', 'a', 'b', 'a"', '","', 'dpop', 'é', '\0'),
        fc.string(),
      )
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...kinds), part, part, async (kind, scope, jti) => {
          const known = seen.has(JSON.stringify([kind, scope, jti]))
          seen.add(JSON.stringify([kind, scope, jti]))
          assert.equal(await replicas[0].use(kind, scope, jti, expiresAt), !known)
          assert.equal(await replicas[1].use(kind, scope, jti, expiresAt), false)
        }),
        { numRuns: 100 },
      )
    },
  )

  await t.test('is in the database as a hash only', async () => {
    await replicas[0].use('dpop', 'a telling scope', 'a telling jti', later())
    const rows = await db.selectFrom('replay').selectAll().execute()
    for (const { hash, expires_at: expiresAt, ...rest } of rows) {
      assert.deepEqual([hash.length, rest], [32, {}])
      assert.ok(expiresAt.getTime() > Date.now())
    }
  })

  await t.test(
    'is forgotten some time after it expired, in bounded steps, and refused from then on',
    async () => {
      const before = await left()
      const expired = Date.now() - 60_500
      assert.equal(await replicas[0].use('dpop', 'old', 'old', expired), false)
      assert.equal(await left(), before)
      await db
        .insertInto('replay')
        .values(
          Array.from({ length: 2_500 }, (_, i) => ({
            hash: Buffer.concat([Buffer.alloc(28), Buffer.from(String(10_000_000 + i).slice(-4))]),
            expires_at: new Date(expired - 60_000),
          })),
        )
        .execute()
      assert.equal(await replicas[0].use('dpop', 'old', 'kept', later()), true)
      let uses = 1
      await until('only what may still be shown is left', async () => {
        await replicas[0].use('dpop', 'old', `more-${String(uses++)}`, later())
        return (await left()) <= before + uses ? true : undefined
      })
      assert.equal(await left(), before + uses)
      assert.equal(await replicas[1].use('dpop', 'old', 'kept', later()), false)
    },
  )

  await t.test(
    'has a time that a database can hold; another spoils nothing for others',
    async () => {
      const [store] = replicas
      const answers = await Promise.all([
        store.use('dpop', 'times', 'good', later()),
        ...[NaN, Infinity, -Infinity, 1e300, -1, 0, 8.64e15].map((at) =>
          store.use('dpop', 'times', `bad-${String(at)}`, at),
        ),
        store.use('dpop', 'times', 'half', later() + 0.5),
      ])
      assert.deepEqual(answers, [true, false, false, false, false, false, false, false, true])
    },
  )

  await t.test('is new to nobody where the database does not answer', async () => {
    const gone = openDatabase(database.connection)
    const store = createReplayStore(gone)
    assert.equal(await store.use('dpop', 'gone', 'before', later()), true)
    await gone.destroy()
    const answers = await Promise.allSettled(
      Array.from({ length: 1_200 }, (_, i) => store.use('dpop', 'gone', String(i), later())),
    )
    assert.ok(answers.every(({ status }) => status === 'rejected'))
    await assert.rejects(store.use('dpop', 'gone', 'again', later()))
  })
})

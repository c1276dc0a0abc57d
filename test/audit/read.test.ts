import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { batchSize, toLine, writeWithin } from '../../src/audit/batch.ts'
import { leafHash, type AuditEntry } from '../../src/audit/entry.ts'
import { readAudit, type AuditFilter } from '../../src/audit/read.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { newId } from '../../src/ids.ts'
import { createTestDatabase } from '../support/cluster.ts'

const database = await createTestDatabase()
const db = openUnhurriedDatabase(database.connection)
after(async () => {
  await db.destroy()
  await database.drop()
})

const agents = ['agent_a', 'agent_ab', 'agent_b']
const environments = [undefined, { id: 'env_1', name: 'shop/staging' }, { id: 'env_2', name: 'x' }]
const onBehalf = [
  [{ kind: 'agent', id: 'agent_c' }],
  [
    { kind: 'agent', id: 'agent_ab' },
    { kind: 'workload', id: 'agent_cd', name: 'agent_c, of agent_x' },
  ],
] as const
const start = Date.now()

/** What PostgreSQL's own JSON would choke on is part of what an agent may have written. */
const unkind = ['plain', 'nul \u0000', 'half \ud800', 'a\nline', '"kind":"outcome"', 'decision']

function entryOf(n: number): AuditEntry {
  const common = {
    at: start + n * 1_000,
    correlationId: newId('correlation'),
    actor: { kind: 'agent', id: agents[n % 3] ?? '' },
    environment: environments[n % environments.length],
    ...(n % 7 === 0 ? { onBehalfOf: onBehalf[n % onBehalf.length] ?? [] } : {}),
  } as const
  return n % 2 === 0
    ? {
        ...common,
        kind: 'decision',
        result: n % 4 === 0 ? 'deny' : 'allow',
        operations: [],
        path: unkind[n % unkind.length],
      }
    : { ...common, kind: 'outcome', result: 'completed', detail: unkind[n % unkind.length] }
}

const entries = Array.from({ length: 40 + batchSize + 3 }, (_, n) => entryOf(n))
// Batches of every size, and one that is more than a batch may hold.
const sizes = [1, 2, 3, 30, 4, batchSize + 3]
let from = 0
for (const size of sizes) {
  const batch = entries.slice(from, (from += size)).map(toLine)
  await db.transaction().execute((tx) => writeWithin(tx, batch))
}
assert.equal(from, entries.length)

async function all(filter: AuditFilter, limit: number, newest: boolean): Promise<string[]> {
  const found: { id: number; canonical: string }[] = []
  for (;;) {
    const last = found.at(-1)?.id
    const position = newest ? { before: last } : { after: last ?? 0 }
    const page = await readAudit(db, filter, { limit, ...position })
    found.push(...page)
    if (page.length < limit) return found.map(({ canonical }) => canonical)
  }
}

function of({ actor, onBehalfOf = [] }: AuditEntry, id: string): boolean {
  return [actor, ...onBehalfOf].some((each) => each.id === id)
}

const filters: readonly [string, AuditFilter, (entry: AuditEntry) => boolean][] = [
  ['everything', {}, () => true],
  ['a kind', { kind: 'outcome' }, ({ kind }) => kind === 'outcome'],
  ['a result', { result: 'deny' }, ({ result }) => result === 'deny'],
  ['an actor whose id begins another’s', { actorId: 'agent_a' }, (e) => e.actor.id === 'agent_a'],
  ['one who acted, and for whom others did', { actorId: 'agent_ab' }, (e) => of(e, 'agent_ab')],
  ['one for whom alone others acted', { actorId: 'agent_c' }, (e) => of(e, 'agent_c')],
  ['the last for whom others acted', { actorId: 'agent_cd' }, (e) => of(e, 'agent_cd')],
  ['an environment', { environmentId: 'env_2' }, (e) => e.environment?.id === 'env_2'],
  ['one correlation', { correlationId: entries[70]?.correlationId }, (e) => e === entries[70]],
  [
    'a stretch of time',
    { since: new Date(start + 5_000), until: new Date(start + 60_000) },
    ({ at }) => at >= start + 5_000 && at < start + 60_000,
  ],
  [
    'all at once',
    { kind: 'decision', result: 'deny', actorId: 'agent_b', since: new Date(start + 100_000) },
    (e) => e.result === 'deny' && e.actor.id === 'agent_b' && e.at >= start + 100_000,
  ],
]
for (const [name, filter, holds] of filters)
  test(`the log by ${name}: the very entries, in their order, on pages of any length`, async () => {
    const expected = entries.filter(holds).map((entry) => toLine(entry).canonical)
    assert.ok(expected.length > 0)
    assert.deepEqual(await all(filter, 7, false), expected)
    assert.deepEqual(await all(filter, 100, true), expected.toReversed())
  })

test('the leaf hash of an entry is that of the stored bytes', async () => {
  const [newest] = await readAudit(db, {}, { limit: 1 })
  assert.ok(newest !== undefined)
  assert.deepEqual(newest.leafHash, leafHash(newest.canonical))
})

test('an id that would break the lines of a batch is refused, and nothing is kept under another’s head', () => {
  const [entry] = entries
  assert.ok(entry !== undefined)
  assert.throws(() => toLine({ ...entry, actor: { kind: 'agent', id: 'a\nb' } }), /line feed/)
})

test('entries of the time when each had a row are kept, in their order, with their hashes', async (t) => {
  const old = await createTestDatabase('template0')
  const before = openUnhurriedDatabase(old.connection)
  t.after(async () => {
    await before.destroy()
    await old.drop()
  })
  await migrate(before, '0008_add_credential_use')
  for (const entry of entries.slice(0, 9)) {
    const { canonical } = toLine(entry)
    await sql`
      insert into audit_entry (at, kind, correlation_id, actor_id, environment_id, result, canonical, leaf_hash)
      values (${new Date(entry.at)}, ${entry.kind}, ${entry.correlationId}, ${entry.actor.id},
        ${entry.environment?.id ?? null}, ${entry.result}, ${canonical}, ${leafHash(canonical)})
    `.execute(before)
  }
  await migrate(before)
  await before.transaction().execute((tx) => writeWithin(tx, entries.slice(9, 12).map(toLine)))
  const kept = await before.selectFrom('audit_entry').selectAll().orderBy('id').execute()
  assert.deepEqual(
    kept.map((row) => [
      row.at.getTime(),
      row.kind,
      row.correlation_id,
      row.actor_id,
      row.environment_id,
      row.result,
      row.canonical,
      row.leaf_hash,
    ]),
    entries.slice(0, 12).map((entry) => {
      const { canonical } = toLine(entry)
      return [
        entry.at,
        entry.kind,
        entry.correlationId,
        entry.actor.id,
        entry.environment?.id ?? null,
        entry.result,
        canonical,
        leafHash(canonical),
      ]
    }),
  )
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { createTestDatabase } from '../support/cluster.ts'

const source = ['types', 'approval-types']
  .map((name) => readFileSync(new URL(`../../src/db/${name}.ts`, import.meta.url), 'utf8'))
  .join('\n')

/** `name: Type` members of the body of `export type <name> = { … }`. */
function membersOf(type: string): ReadonlyMap<string, string> {
  const body = new RegExp(`export type ${type} = \\{(\\n[\\s\\S]*?\\n|[^\\n]*)\\}\\n`).exec(source)
  assert.ok(body, `src/db/ has no ${type}`)
  const lines = (body[1] ?? '').includes('\n')
    ? (body[1] ?? '').split('\n')
    : (body[1] ?? '').split(';').map((line) => ` ${line}`)
  const found = new Map<string, string>()
  for (const line of lines) {
    const [, name, text] = /^ {2}(\w+): (.+?) *$/.exec(line) ?? []
    if (name !== undefined && text !== undefined) found.set(name, text)
  }
  return found
}

/** How a column of PostgreSQL is read, by the first word of its type here. */
const read: Readonly<Record<string, RegExp>> = {
  text: /^(string|[A-Z]\w+Id|State|ApprovalState|LeaseState|ApprovalRule|ApproverRule|FreezeScope|RevisionScope|'|Generated<State>|Generated<')/,
  int4: /^(number|Generated<number>)/,
  int8: /^(string|GeneratedAlways<string>)/,
  bool: /^(boolean|Generated<boolean>)/,
  bytea: /^Buffer/,
  timestamptz: /^(Date|CreatedAt|Generated<Date>)/,
  jsonb: /^(Json<|ColumnType<)/,
  _text: /^(string|Role)\[\]/,
}

test('the types of the tables are those of the migrated schema', async (t) => {
  const database = await createTestDatabase()
  const db = openUnhurriedDatabase(database.connection)
  t.after(async () => {
    await db.destroy()
    await database.drop()
  })
  const { rows } = await sql<{
    table_name: string
    column_name: string
    udt_name: string
    is_nullable: 'YES' | 'NO'
    table_type: 'BASE TABLE' | 'VIEW'
  }>`
    select table_name, column_name, udt_name, is_nullable, table_type
    from information_schema.columns join information_schema.tables using (table_schema, table_name)
    where table_schema = 'public' and table_name not like 'kysely%'
  `.execute(db)
  assert.ok(rows.length > 80)
  const tables = membersOf('Database')
  const migrated = new Map<string, typeof rows>()
  for (const row of rows)
    migrated.set(row.table_name, [...(migrated.get(row.table_name) ?? []), row])
  assert.deepEqual([...tables.keys()].sort(), [...migrated.keys()].sort())

  for (const [table, type] of tables) {
    const members = membersOf(type)
    const columns = migrated.get(table) ?? []
    assert.deepEqual(
      [...members.keys()].sort(),
      columns.map((column) => column.column_name).sort(),
      `the columns of ${table}`,
    )
    for (const column of columns) {
      const text = members.get(column.column_name) ?? ''
      const where = `${table}.${column.column_name}: ${text} (${column.udt_name})`
      assert.match(text, read[column.udt_name] ?? /^$/, where)
      // jsonb's null stands in its ColumnType; the others say it plainly. A view's columns can all be null to PostgreSQL.
      if (!text.startsWith('ColumnType<') && column.table_type === 'BASE TABLE')
        assert.equal(/\bnull\b/.test(text), column.is_nullable === 'YES', where)
    }
  }
})

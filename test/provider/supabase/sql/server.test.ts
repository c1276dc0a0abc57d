/** What PostgreSQL itself says to what the classifier says: each text runs in a transaction that may only read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { poolConfig } from '../../../../src/db/open.ts'
import { classifySql, prepareSql } from '../../../../src/provider/supabase/sql/classify.ts'
import { isBuiltinOperator } from '../../../../src/provider/supabase/sql/builtins.ts'
import { pureFunctions } from '../../../../src/provider/supabase/sql/functions.ts'
import { holdsSecrets } from '../../../../src/provider/supabase/sql/relations.ts'
import { columnIsAlias } from '../../../../src/provider/supabase/sql/walk.ts'
import { createTestDatabase } from '../../../support/cluster.ts'
import { selectShape } from './select-shapes.ts'

const readOnlyViolation = '25006'

let client: pg.Client
let drop: () => Promise<void>

before(async () => {
  await prepareSql()
  const database = await createTestDatabase()
  drop = database.drop
  // As the superuser, so that no missing privilege hides what a statement would have done.
  client = new pg.Client(poolConfig({ ...database.connection, user: 'postgres' }, 1))
  await client.connect()
  await client.query(`
    create table t (a int, b text, j jsonb);
    create table u (a int, b text, j jsonb);
    insert into t values (1, 'x', '{}'), (3, 'y', null);
    insert into u select * from t;
    create sequence s;
    create function public.lower(varchar) returns text language sql as 'select nextval(''s'')::text'`)
})

after(async () => {
  await client.end()
  await drop()
})

/** The SQLSTATE that it ends in; undefined where it succeeds. */
async function runReadOnly(text: string): Promise<string | undefined> {
  await client.query('begin transaction read only')
  try {
    await client.query(text)
    return undefined
  } catch (error) {
    return error instanceof pg.DatabaseError ? error.code : 'unknown'
  } finally {
    await client.query('rollback')
  }
}

async function column(text: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(text)
  return rows.map(({ name }) => name)
}

test('what is called a read never tries to write', async () => {
  const expressions = fc.constantFrom("'x'", 'a', 'lower(b)', 'now()', 'random()', 'j', 'version()')
  let ran = 0
  await fc.assert(
    fc.asyncProperty(selectShape, expressions, async (shape, expression) => {
      const text = shape(expression)
      const found = classifySql(text)
      assert.deepEqual(found.ok && found.effects, ['read'], text)
      const state = await runReadOnly(text)
      assert.notEqual(state, readOnlyViolation, text)
      if (state === undefined) ran++
    }),
    { numRuns: 150 },
  )
  assert(ran > 30, `only ${ran} of the statements ran at all`)
})

test('what PostgreSQL refuses to run read-only is never called a read', async () => {
  for (const text of [
    "select nextval('s')",
    "select pg_catalog . nextval ( 's' )",
    `select U&"next\\0076al"('s')`,
    `select NextVal('s')`,
    `select/**/"nextval"/* /* nested */ */('s')`,
    "select ('s'::regclass).nextval",
    "select ('s'::text::regclass).nextval from t",
    "select (select 's'::regclass).nextval",
    "select x.nextval from cast('s' as regclass) x",
    "select x.nextval from to_regclass('s') x",
    "select to_regclass.nextval from to_regclass('s')",
    "select x.nextval from rows from (to_regclass('s')) x",
    "select x.nextval from to_regclass('s') x where exists (select 1 from to_regclass('s') as x(nextval))",
    "select 1 from t, lateral (select x.nextval from to_regclass('s') x) y",
    "select y.nextval from (t join to_regclass('s') as y on true)",
    `select nextval.nextval from json_array_elements_text('["s"]') as nextval`,
    "select (x).nextval from to_regclass('s') x",
    "select (array['s'::regclass])[1].nextval",
    "select 1 from t order by nextval('s')",
    "select 1 limit nextval('s')",
    "values (nextval('s'))",
    "explain analyze select nextval('s')",
    'with x as (delete from t returning *) select * from x',
    'with x as materialized (insert into t values (1) returning a) table x',
    'select * from t for update',
    'table t for update',
    'select 1 as a into v',
    "create temp table v as select nextval('s')",
    'explain analyze delete from t',
    'select 1; drop table t',
    "prepare p as select nextval('s'); execute p",
    "do $$begin perform nextval('s'); end$$",
    "do 'begin delete from t; end'",
    "select query_to_xml('select nextval(''s'')', true, true, '')",
    "select * from ts_stat('select nextval(''s'')::text::tsvector')",
    'select lower(b::varchar), public.lower(b) from t',
    "set transaction_read_only = on; select setval('s', 1)",
    'select lo_create(0)',
    'notify x; update t set a = 1 where a = 2',
  ]) {
    assert.equal(await runReadOnly(text), readOnlyViolation, `not a write after all: ${text}`)
    const found = classifySql(text)
    assert.notEqual(found.ok && found.effects[0], 'read', text)
  }
})

test('every reviewed function is one of PostgreSQL, and is volatile only where that was reviewed too', async () => {
  const all = new Set(
    await column(
      "select distinct proname::text as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace",
    ),
  )
  // Written as functions, and turned into something else by the parser.
  const syntax = new Set(['current_catalog'])
  assert.deepEqual(
    [...pureFunctions].filter((name) => !all.has(name) && !syntax.has(name)),
    [],
  )
  const volatile = await column(
    "select distinct proname::text as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v' order by 1",
  )
  // They differ from call to call, or look at the size of files.
  assert.deepEqual(
    volatile.filter((name) => pureFunctions.has(name)),
    `array_sample array_shuffle clock_timestamp gen_random_uuid pg_database_size pg_indexes_size pg_is_in_recovery
    pg_relation_size pg_table_size pg_total_relation_size random random_normal timeofday uuidv4 uuidv7`.split(
      /\s+/,
    ),
  )
})

test('no function that is not reviewed can be called as the attribute of a row', async () => {
  // `t.f` calls f(t) where the table t has no column f: with a row, only these can be meant.
  const reachable = await column(`
    select distinct proname::text as name from pg_proc
    where pronamespace = 'pg_catalog'::regnamespace and prokind in ('f', 'p') and proname !~ '^pg_'
      and pronargs >= 1 and pronargs - pronargdefaults <= 1
      and proargtypes[0] in ('record'::regtype, '"any"'::regtype, 'anyelement'::regtype, 'anycompatible'::regtype,
        'anynonarray'::regtype)`)
  // They print what they are given.
  const printing = /^(?:any\w*_out|record_out|record_send|hash_record)$/
  assert.deepEqual(
    reachable.filter((name) => !pureFunctions.has(name) && !printing.test(name)),
    [],
  )
  const named = await column(
    "select proname::text as name from pg_proc where proname in ('key', 'value', 'ordinality', 'lexeme', 'positions', 'weights')",
  )
  assert.deepEqual(named, [])
})

test('a function whose column is taken to be named as its table names no result of its own', async () => {
  const named = await column(
    `select proname::text as name from pg_proc
    where (select count(*) from unnest(proargmodes) m where m in ('o', 'b', 't')) = 1`,
  )
  assert(named.includes('json_array_elements_text'))
  assert.deepEqual(
    named.filter((name) => columnIsAlias.has(name)),
    [],
  )
})

test('every built-in operator is known', async () => {
  const names = await column('select distinct oprname::text as name from pg_operator')
  assert.deepEqual(
    names.filter((name) => !isBuiltinOperator([name], 'AEXPR_OP')),
    [],
  )
  assert(!isBuiltinOperator(['<=>'], 'AEXPR_OP'))
})

test('no catalogue that is open to read has a column that carries a password, a body or a setting', async () => {
  const { rows } = await client.query<{ table: string; columns: string }>(`
    select relname::text as table, string_agg(attname::text, ' ') as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'pg_catalog'::regnamespace and relkind in ('r', 'v') and attnum > 0 group by 1`)
  // Reviewed: these options are storage parameters, and `extconfig` is a list of tables.
  const reviewed = new Set(['pg_attribute', 'pg_class', 'pg_extension', 'pg_tablespace'])
  const open = rows.filter(
    ({ table }) => !holdsSecrets('pg_catalog', table) && !reviewed.has(table),
  )
  assert(open.length > 50)
  const telling =
    /passw|conninfo|options|config\b|prosrc|tgargs|query|most_common|stavalues|histogram|statement|setting|\bdata\b/
  assert.deepEqual(
    open
      .filter(({ columns }) => telling.test(columns))
      .map(({ table, columns }) => `${table}: ${columns}`),
    [],
  )
})

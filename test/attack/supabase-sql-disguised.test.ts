/** SQL that writes and is worded, wrapped or labelled as a read; and bodies that two readers could read differently. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import type { Effect } from '../../src/core/operation.ts'
import { supabaseAdapter } from '../../src/provider/supabase/adapter.ts'

const adapter = supabaseAdapter()
before(() => adapter.prepare?.())

const path = '/v1/projects/stagingstagingstagin/database/query'

function effectsOf(body: string, to = path, headers: Record<string, string> = {}) {
  const identified = adapter.identify({
    method: 'POST',
    path: to,
    query: undefined,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(body),
  })
  if (!identified.ok) return 'refused'
  const [invocation] = identified.invocations
  assert.ok(invocation !== undefined)
  return new Set<Effect>([...invocation.effects, ...invocation.added])
}

const sqlOf = (query: string, more: Record<string, unknown> = {}) =>
  effectsOf(JSON.stringify({ query, ...more }))

test('a plain SELECT is a read and nothing more', () => {
  assert.deepEqual(sqlOf('select id, name from public.t order by id limit 5'), new Set(['read']))
})

test('no wording makes a write, a wait or a look at secrets a plain read', () => {
  for (const query of [
    'delete from t',
    'select 1; delete from t',
    '/* select */ delete from t',
    '-- select 1\ndelete from t',
    'with x as (insert into t values (1) returning *) select * from x',
    'select * into t2 from t',
    'select pg_sleep(1)',
    'select pg_catalog.pg_terminate_backend(1)',
    "select set_config('role', 'postgres', false)",
    'select lo_import($$/etc/passwd$$)',
    'explain analyze delete from t',
    'copy t to stdout',
    "copy (select 1) to program 'curl evil'",
    'do $$ begin perform 1; end $$',
    'call p()',
    'prepare p as delete from t',
    'begin; select 1; commit',
    'set role postgres',
    'select * from t for update',
    'truncate t',
    'select * from vault.decrypted_secrets',
    'DELETE FROM t WHERE true',
  ]) {
    for (const more of [{}, { read_only: true }, { parameters: [] }]) {
      const found = sqlOf(query, more)
      assert.ok(found === 'refused' || found.size > 1, query)
    }
  }
})

test('the read-only endpoint is told by its SQL too', () => {
  const to = `${path}/read-only`
  assert.deepEqual(effectsOf('{"query":"select 1"}', to), new Set(['read']))
  const found = effectsOf('{"query":"select pg_sleep(1)"}', to)
  assert.ok(found === 'refused' || found.size > 1)
})

test('a migration has the effects of its SQL and of its way back, and is never less than a write', () => {
  const to = '/v1/projects/stagingstagingstagin/database/migrations'
  const plain = effectsOf('{"query":"select 1","name":"x"}', to)
  assert.ok(plain instanceof Set && plain.has('write') && !plain.has('destructive'))
  const back = effectsOf('{"query":"select 1","rollback":"drop table t"}', to)
  assert.ok(back instanceof Set && back.has('destructive'))
  assert.equal(effectsOf('{"query":"select 1","rollback":["drop table t"]}', to), 'refused')
  assert.equal(effectsOf('{"rollback":"select 1"}', to), 'refused')
})

test('a body that could be read in two ways is refused', () => {
  for (const body of [
    '{"query":"select 1","query":"delete from t"}',
    '{"query":"select 1","Query":"delete from t"}',
    '{"query":"select 1","sql":"delete from t"}',
    '{"query":["select 1"]}',
    '{"query":{"toString":"delete from t"}}',
    '[{"query":"delete from t"}]',
    '"delete from t"',
    '',
  ])
    assert.equal(effectsOf(body), 'refused', body)
  assert.equal(
    effectsOf('query=delete+from+t', path, { 'content-type': 'application/x-www-form-urlencoded' }),
    'refused',
  )
})

test('the method cannot be switched beside the request line', () => {
  assert.equal(
    effectsOf('{"query":"select 1"}', path, { 'x-http-method-override': 'DELETE' }),
    'refused',
  )
})

test('a ref is compared as it stands, and holds no other path', () => {
  for (const ref of ['STAGINGSTAGINGSTAGIN', 'stagingstagingstagin%2F..%2Fproductionproduction']) {
    const identified = adapter.identify({
      method: 'GET',
      path: `/v1/projects/${ref}`,
      query: undefined,
      headers: {},
      body: Buffer.alloc(0),
    })
    if (identified.ok)
      assert.deepEqual(
        identified.invocations[0]?.resources.map(({ id }) => id),
        [ref],
      )
  }
})

test('a function that is deployed unread may be one that answers everybody', () => {
  const to = '/v1/projects/stagingstagingstagin/functions/deploy'
  const type = { 'content-type': 'multipart/form-data; boundary=x' }
  const found = effectsOf('--x--', to, type)
  assert.deepEqual(found, new Set(['write', 'admin']))
  assert.equal(effectsOf('--x--', to, { 'content-type': 'multipart/form-data' }), 'refused')
})

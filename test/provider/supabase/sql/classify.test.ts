import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifySql, prepareSql } from '../../../../src/provider/supabase/sql/classify.ts'
import { walk } from '../../../../src/provider/supabase/sql/walk.ts'

await prepareSql()

const everything = 'write destructive secret admin'

/** Each text, and its effects as they are listed. */
function expectEffects(table: readonly (readonly [sql: string, effects: string])[]): void {
  for (const [sql, effects] of table) {
    const found = classifySql(sql)
    assert.equal(found.ok ? found.effects.join(' ') : found.detail, effects, sql)
  }
}

test('SELECT, VALUES, TABLE, SHOW and EXPLAIN of these are reads', () => {
  expectEffects([
    ['select 1', 'read'],
    ['SELECT COUNT(*) FROM orders WHERE status = $1 GROUP BY day ORDER BY 1 LIMIT 10', 'read'],
    ['table orders', 'read'],
    ["values (1, 'a'), (2, 'b')", 'read'],
    ['with a as (select 1), b as (table t) select * from a, b', 'read'],
    ['select 1 union all select 2 intersect select 3', 'read'],
    ['show server_version', 'read'],
    ['SHOW TimeZone', 'read'],
    ['explain (verbose, costs off) select * from t', 'read'],
    ['explain analyze select * from t', 'read'],
    ['select 1; table t; show search_path;', 'read'],
    ['select t.a, s.b from public.t join app.s using (id)', 'read'],
    ['select e.key, e.value from t, jsonb_each(t.j) e', 'read'],
    ['select g from generate_series(1, 3) g', 'read'],
    ["select x.a from json_to_recordset('[]') as x(a int)", 'read'],
    ["select relname from pg_class c where relnamespace = 'public'::regnamespace", 'read'],
    ['select column_name from information_schema.columns', 'read'],
    ["select pg_size_pretty(pg_total_relation_size('t'))", 'read'],
    ['select extensions.uuid_generate_v4(), auth.uid()', 'read'],
    ["select current_setting('server_version')", 'read'],
    ["select current_setting('TimeZone')", 'read'],
  ])
})

test('a SELECT that locks rows or makes a table is a write', () => {
  expectEffects([
    ['select * from t for update', 'write'],
    ['select * from t for key share skip locked', 'write'],
    ['table t for update', 'write'],
    ['(select 1 from t for share) limit 1', 'write'],
    ['select * from (select * from t for update) s', 'write'],
    ['select 1 into t', 'write'],
    ['select 1 as a into temp t union select 2', 'write'],
  ])
})

test('what a reviewed read does not contain makes it a destructive write', () => {
  expectEffects([
    ["select 'x'::public.status", 'write destructive'],
    ["select 'x'::status", 'write destructive'],
    ["select status 'x'", 'write destructive'],
    ['select x::text collate app.c from t', 'write destructive'],
    ["select xmlparse(document '<a/>')", 'write destructive'],
    ["select json_value(j, '$') from t", 'write destructive'],
    ["select * from json_table('{}', '$' columns (a int path '$')) x", 'write destructive'],
    ["select * from xmltable('/a' passing '<a/>' columns b int) x", 'write destructive'],
    ["select * from json_to_recordset('[]') as x(a app.domain)", 'write destructive'],
  ])
})

test('a function has the effects it was reviewed for, and every effect if it was not', () => {
  expectEffects([
    ['select pg_sleep(100)', 'write destructive'],
    ["select nextval('s')", 'write'],
    ["select setval('s', 1)", 'write destructive'],
    ["select set_config('role', 'postgres', false)", 'write admin'],
    ['select pg_terminate_backend(1)', 'write destructive admin'],
    ["select pg_get_functiondef('f'::regproc)", 'read secret'],
    ['select f()', everything],
    ['select app.lower(1)', everything],
    ['select a.b.lower(1)', everything],
    ["select pg_read_file('x')", everything],
    ["select ts_stat('select 1')", everything],
    ["select * from dblink('host=x', 'select 1') as x(a int)", everything],
    ['insert into t values (f())', everything],
    ['create table t (a int default f())', everything],
    ['select 1 from t order by a using operator(app.<)', everything],
    ['select a <=> b from t', everything],
    ['select a operator(app.=) any (select a from u) from t', everything],
    ['select text.lo_unlink from cast(1 as text)', everything],
    ['select * from t tablesample app.mine(1)', everything],
  ])
})

test('rows are changed by writes, and lost by destructive ones', () => {
  expectEffects([
    ["insert into t values (1, 'a') on conflict do nothing returning id", 'write'],
    ['insert into t select * from u', 'write'],
    ['update t set a = 2 where id = 1', 'write'],
    ['update t set a = 2 where app = $1 and created < now()', 'write'],
    ["update t set a = 2 where id in (1, 2) and '3'::int = id", 'write'],
    ['update t set a = 2', 'write destructive'],
    ['update t set a = 2 where true', 'write destructive'],
    ['update t set a = 2 where id = id', 'write destructive'],
    ['update t set a = 2 where 1 = 1', 'write destructive'],
    ['update t set a = 2 where id = 1 or true', 'write destructive'],
    ['update t set a = 2 where not id = 1', 'write destructive'],
    ['update t set a = 2 where id <> 1', 'write destructive'],
    ['update t set a = 2 where id not in (1)', 'write destructive'],
    ['delete from t where id = 1', 'write destructive'],
    ['delete from t', 'write destructive'],
    ['truncate t', 'write destructive'],
    ['merge into t using u on t.id = u.id when not matched then insert values (1)', 'write'],
    ['merge into t using u on t.id = u.id when matched then delete', 'write destructive'],
    ['merge into t using u on true when matched then update set a = 1', 'write destructive'],
  ])
})

test('a change of the schema writes, and destroys where something is dropped', () => {
  expectEffects([
    ['create table t (id uuid primary key default gen_random_uuid(), s status)', 'write'],
    ['create table p (id uuid references auth.users on delete cascade)', 'write'],
    ['create index concurrently on t (lower(b)) where a > 1', 'write'],
    ["create type status as enum ('a')", 'write'],
    ['create schema app', 'write'],
    ['alter table t add column a int, alter column b set not null', 'write'],
    ['alter table t add column a int, drop column b', 'write destructive'],
    ['alter table t alter column a type text', 'write destructive'],
    ["alter type status add value 'b'", 'write destructive'],
    ['alter table t rename column a to b', 'write destructive'],
    ['alter table t replica identity full', 'write destructive'],
    ['drop table t, u cascade', 'write destructive'],
    ['drop schema app cascade', 'write destructive'],
    ['create table c as select * from t', 'write'],
    ['create view v with (security_invoker = true) as select 1', 'write'],
    ['create or replace view v with (security_invoker) as select 1', 'write destructive'],
    ['comment on table t is $$x$$', 'write'],
    ['vacuum full t', 'write'],
  ])
})

test('who may do what, and what runs in whose name, is administration', () => {
  expectEffects([
    ['grant select on t to anon', 'write admin'],
    ['revoke all on t from anon', 'write admin'],
    ['grant postgres to anon', 'write admin'],
    ["create role r login password 'x'", 'write admin'],
    ['alter role r superuser', 'write destructive admin'],
    ['create policy p on t using (auth.uid() = id)', 'write admin'],
    ['drop policy p on t', 'write destructive admin'],
    ['alter table t disable row level security', 'write destructive admin'],
    ['alter table t owner to anon', 'write destructive admin'],
    ['alter table t disable trigger all', 'write destructive admin'],
    ['alter foreign table t add column a int', 'write destructive admin'],
    ['alter view v set (security_invoker = false)', 'write destructive admin'],
    ['alter function f() security definer', everything],
    ['alter system set a = 1', 'write destructive admin'],
    ['alter database d set search_path = x', 'write destructive admin'],
    ['create extension dblink', everything],
    ["create subscription s connection '' publication p", 'write admin'],
    ["create server s foreign data wrapper w options (host 'x')", 'write admin'],
    ['create event trigger e on ddl_command_start execute function f()', everything],
    ['create view v as select 1', 'write admin'],
    ['create schema s authorization postgres', 'write admin'],
    ['alter function f() rename to g', 'write destructive admin'],
    ['drop function f', 'write destructive admin'],
    ['drop extension x', 'write destructive admin'],
    ['set role postgres', 'write admin'],
    ['set session authorization x', 'write admin'],
    ['set search_path = x', 'write admin'],
    ['set standard_conforming_strings = off', 'write admin'],
    ['reset all', 'write admin'],
    ["set statement_timeout = '5s'", 'write'],
    ['begin; select 1; commit', 'write'],
    ["prepare transaction 'x'", 'write destructive admin'],
    ["commit prepared 'x'", 'write destructive admin'],
  ])
})

test('what runs other text, or plants it, has every effect', () => {
  expectEffects([
    ['do $$begin null; end$$', everything],
    ['call p()', everything],
    ['execute p', everything],
    ['explain execute p', everything],
    ["create function f() returns int language sql as 'select 1'", everything],
    ['create function f() returns int return 1', everything],
    ['create procedure f() begin atomic select 1; end', everything],
    ['create trigger x before insert on t execute function f()', everything],
    ['create rule r as on insert to t do instead nothing', everything],
    ['copy t to stdout', everything],
    ["copy t from '/etc/passwd'", everything],
    ["load 'x'", everything],
  ])
})

test('rows of the platform: reading them is a secret, writing them is administration', () => {
  expectEffects([
    ['select * from auth.users', 'read secret'],
    ['select 1 where exists (table vault.decrypted_secrets)', 'read secret'],
    ['select id from storage.objects', 'read'],
    ['insert into copy select * from auth.refresh_tokens', 'write secret'],
    ["insert into storage.objects values ('x')", 'write admin'],
    ["update auth.users set role = 'x' where id = $1", 'write secret admin'],
    ['delete from pg_catalog.pg_policy', 'write destructive admin'],
    ['delete from pg_policy', 'write destructive admin'],
    ['truncate t, auth.users', 'write destructive secret admin'],
    ['drop table auth.users', 'write destructive admin'],
    ['create table auth.x (a int)', 'write secret admin'],
  ])
})

test('several statements have the effects of all of them', () => {
  expectEffects([
    ['select 1; drop table x', 'write destructive'],
    ['select * from vault.secrets; insert into t values (1)', 'write secret'],
    ['grant all on t to x; select f()', everything],
  ])
})

test('a kind of statement that nobody knows is found out, wherever it stands', () => {
  const future = { FutureStmt: { query: {} } }
  for (const tree of [
    future,
    { ExplainStmt: { query: future } },
    { InsertStmt: { new: [future] } },
  ]) {
    const findings = walk(tree)
    assert(findings !== 'too_large')
    assert.deepEqual(findings.unknownStatements, ['FutureStmt'])
  }
})

test('a node or a field that nobody reviewed is a doubt', () => {
  for (const tree of [
    { SelectStmt: { targetList: [{ FutureExpr: {} }] } },
    { SelectStmt: { futureClause: true } },
    { SelectStmt: { op: { FuncCall: {} } } },
    { SelectStmt: { targetList: ['x'] } },
    { SelectStmt: { targetList: [{ a: 1, b: 2 }] } },
    { SelectStmt: { constructor: [] } },
  ]) {
    const findings = walk(tree)
    assert(findings !== 'too_large')
    assert(findings.doubts.length > 0, JSON.stringify(tree))
  }
})

test('the answer names the statements, and says what made it more than a read', () => {
  const found = classifySql('select 1; select pg_sleep(1); delete from t')
  assert(found.ok)
  assert.deepEqual(found.statements, ['SelectStmt', 'SelectStmt', 'DeleteStmt'])
  assert.deepEqual(found.reasons, ['function pg_sleep', 'DeleteStmt'])
})

test('a text that is no SQL, too long or too much is refused, in a sentence that quotes little', () => {
  for (const [sql, detail] of [
    ['selec 1', /^The SQL does not parse: syntax error/],
    [`select ${'x'.repeat(5000)} ${'y'.repeat(5000)} z`, /^The SQL does not parse: /],
    ["select 'a", /does not parse/],
    [`select 'a${' '.repeat(2000)}`, /does not parse/],
    ['', /empty/],
    [' \n', /empty/],
    ['-- nothing', /no statement/],
    [';;', /no statement/],
    ['select 1\0', /NUL/],
    ["select '\ud800'", /surrogate/],
    [`select '${'é'.repeat(51_200)}'`, /100 KB/],
    ['select 1;'.repeat(201), /200 statements/],
  ] as const) {
    const found = classifySql(sql)
    assert(!found.ok, sql.slice(0, 100))
    assert.match(found.detail, detail)
    assert(found.detail.length < 160, found.detail)
  }
})

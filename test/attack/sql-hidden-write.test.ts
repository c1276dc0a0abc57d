/** A write worded as a read: behind comments, quotes, spellings of names, clauses, and functions called as columns. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifySql, prepareSql } from '../../src/provider/supabase/sql/classify.ts'

await prepareSql()

const hidden: Readonly<Record<string, readonly string[]>> = {
  'a second statement': [
    'select 1; drop table x',
    'select 1;;;/**/drop table x',
    'select $$;$$; delete from x',
    "select ';'\n;\ndelete from x",
  ],
  'a comment that ends sooner, or later, than it seems': [
    'select 1 -- ;\n; drop table x',
    'select 1 /* /* */ ; select 2 */ ; drop table x',
    'select 1 --\r; drop table x',
    "select '/*'; drop table x --'*/",
    '/* select 1 */ delete from x',
  ],
  'a string that is not where it seems to be': [
    "select 'a''; drop table y; --'; drop table x",
    "select E'\\''; drop table x; --'",
    'select $a$ $$ $a$; drop table x; --$$',
    "select U&'\\0027'; drop table x; --'",
    "select 'a'\n'b'; drop table x",
    'select "a;""b"; drop table x',
  ],
  'a name in another spelling': [
    'select PG_SLEEP(1)',
    'select "pg_sleep"(1)',
    'select U&"pg\\005fsleep"(1)',
    `select U&"pg!005fsleep" UESCAPE '!' (1)`,
    'select pg_catalog . "pg_sleep" (1)',
    'select pg_catalog/**/./**/pg_sleep--\n(1)',
    'select "PG_SLEEP"(1)',
    'select "Lower"(b) from t',
    'select public.count(1)',
    'select "pg_catalog.lower"(1)',
    'select \u{ff4c}ower(1)',
    'select lower\u00a0(1)',
  ],
  'a function called as a column': [
    "select ('/etc/passwd'::text).pg_read_file",
    "select s.pg_read_file from lower('/etc/passwd') s",
    "select lower.pg_read_file from lower('/etc/passwd')",
    "select x.pg_read_file from cast('/etc/passwd' as text) x",
    `select lo_unlink.lo_unlink from json_array_elements_text('["1"]') as lo_unlink`,
    "select x.lo_unlink from rows from (length('x'), length('y')) as x",
    'select t.pg_restore_relation_stats from t',
    "select (s).pg_read_file from lower('/etc/passwd') s",
    "select * from t where exists (select s.lo_unlink from length('x') s)",
    "select s.pg_read_file from lower('x') s, lateral (select 1 from lower('x') as s(pg_read_file)) y",
  ],
  'a clause': [
    'with t as (delete from x returning *) select * from t',
    'with t as materialized (update x set a = 1 returning *) select * from t',
    'with a as (with b as (insert into x values (1) returning *) table b) table a',
    'with t as (merge into x using y on x.a = y.a when matched then delete returning *) table t',
    'select * into y from x',
    'table x for update',
    'select 1 where 1 = (select 1 from x for no key update)',
    'explain analyze delete from x',
    'explain (analyze, format json) delete from x',
    'explain (analyze off) update x set a = 1',
    'explain analyze create table y as select 1',
    'explain analyze execute p',
    'create table y as table x',
    'declare c cursor with hold for select pg_sleep(1)',
  ],
  'SQL in a text, or made elsewhere': [
    "select query_to_xml('drop table x', true, true, '')",
    "select * from dblink('', 'drop table x') as y(a int)",
    "select dblink_exec('drop table x')",
    "select ts_rewrite('a'::tsquery, 'select 1')",
    "select * from cursor_to_xml('c', 1, true, true, '')",
    'do $$begin delete from x; end$$',
    'execute p',
    'call p()',
    "prepare p as delete from x where a = 'select'",
    "copy (select 1) to program 'id'",
    "copy x from '/etc/passwd'",
    'copy (delete from x returning *) to stdout',
    'fetch all from c',
    "select set_config('search_path', 'evil', false)",
    "select cron.schedule('* * * * *', 'drop table x')",
    "select net.http_post('http://example.com')",
    "select http_get('http://example.com')",
  ],
}

for (const [where, texts] of Object.entries(hidden)) {
  test(`a write hidden in ${where} is no read`, () => {
    for (const text of texts) {
      const found = classifySql(text)
      if (found.ok) assert.equal(found.effects[0], 'write', text)
    }
    // Refusing all of them would prove nothing.
    assert(texts.some((text) => classifySql(text).ok))
  })
}

test('what looks like a write inside of a string, a comment or a name is still a read', () => {
  for (const text of [
    "select '; drop table x'",
    'select $q$; delete from x$q$ /* ; drop table x */ -- ; drop table x',
    'select "delete from x" from "drop table"',
    `select 'it''s', E'a\\nb', U&'\\0441'`,
  ]) {
    const found = classifySql(text)
    assert.deepEqual(found.ok && found.effects, ['read'], text)
  }
})

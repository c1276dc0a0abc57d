/**
 * One text, two readings: with `standard_conforming_strings` off, which a database may be set to, a backslash keeps a
 * quote from ending its string. And a server older than the parser does not know all of its keywords.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifySql, prepareSql } from '../../src/provider/supabase/sql/classify.ts'

await prepareSql()

test('where a backslash before a quote lets two servers read different statements, the text has every effect', () => {
  for (const text of [
    "select 'a\\''; drop table x; --'",
    "select 'a\\', $$'; drop table x; --$$",
    "insert into t values ('a\\''; grant all on t to anon; --')",
  ]) {
    const found = classifySql(text)
    assert.deepEqual(found.ok && found.effects, ['write', 'destructive', 'secret', 'admin'], text)
  }
})

test('any other backslash ends no string, and costs nothing', () => {
  const found = classifySql("select 'C:\\dir', E'a\\n', b ~ '\\d+' from t")
  assert.deepEqual(found.ok && found.effects, ['read'])
})

test('a keyword that an older server takes for a function of the user is no read', () => {
  for (const text of [
    "select json_value(j, '$') from t",
    "select json_query(j, '$') from t",
    "select json_exists(j, '$') from t",
    'select json_scalar(1)',
    'select json_serialize(j) from t',
    "select json('1')",
    'select json_array(1)',
    "select json_object('a': 1)",
    'select json_arrayagg(a) from t',
    'select json_objectagg(a: b) from t',
    "select * from json_table('{}', '$' columns (a int path '$')) x",
  ]) {
    const found = classifySql(text)
    assert.notEqual(found.ok && found.effects[0], 'read', text)
  }
})

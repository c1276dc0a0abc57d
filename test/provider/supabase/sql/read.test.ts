import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifySql, prepareSql } from '../../../../src/provider/supabase/sql/classify.ts'
import { selectShape } from './select-shapes.ts'

await prepareSql()

const harmless = [
  'a',
  "'x'",
  '$1',
  'lower(b)',
  'now()',
  'current_user',
  'pg_catalog.upper(b)',
  '"upper"(b)',
  "j ->> 'k'",
]

/** Calls of what no list has: built-in, an extension's, the user's, and one that only looks like a reviewed one. */
const unreviewed = [
  'pg_sleep(1)',
  "set_config('role', 'x', false)",
  "nextval('s')",
  "pg_read_file('/etc/passwd')",
  "query_to_xml('delete from t', true, true, '')",
  'public.lower(b)',
  '"LOWER"(b)',
  "net.http_post('http://example.com')",
  "dblink_exec('x')",
  'lo_unlink(1)',
  "('x'::text).pg_read_file",
  'a operator(public.+) 1',
  'my_function()',
]

test('a SELECT of reviewed parts is a read, wherever they stand in it', () => {
  fc.assert(
    fc.property(selectShape, fc.constantFrom(...harmless), (shape, expression) => {
      const text = shape(expression)
      const found = classifySql(text)
      assert.deepEqual(found.ok && found.effects, ['read'], `${text}\n${JSON.stringify(found)}`)
    }),
    { numRuns: 500 },
  )
})

test('a call that was not reviewed is never a read, wherever it stands', () => {
  fc.assert(
    fc.property(selectShape, fc.constantFrom(...unreviewed), (shape, expression) => {
      const text = shape(expression)
      const found = classifySql(text)
      assert(found.ok, `${text}\n${JSON.stringify(found)}`)
      assert.equal(found.effects[0], 'write', text)
    }),
    { numRuns: 1000 },
  )
})

test('a function of a random name is no read', () => {
  fc.assert(
    fc.property(selectShape, fc.stringMatching(/^[a-z_]{1,20}$/), (shape, name) => {
      const found = classifySql(shape(`"zz_${name}"(1)`))
      assert(found.ok)
      assert.deepEqual(found.effects, ['write', 'destructive', 'secret', 'admin'])
    }),
    { numRuns: 200 },
  )
})

test('whatever the text, there is an answer, and never an exception', () => {
  const pieces = `' " $$ /* */ -- ; ( ) select from t E U& \\ with as union , 1 into drop table é :: .`
  const piece = fc.constantFrom(...pieces.split(' '), ' ', '\n', '\0', '\ud800')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom('', ' '), (text, between) => {
      const found = classifySql(text.join(between))
      if (!found.ok) assert(found.detail.length < 200)
      else assert(['read', 'write'].includes(found.effects[0] ?? ''))
    }),
    { numRuns: 2000 },
  )
})

/**
 * The parser of SQL is C compiled to WASM: a text nested deeply enough overflows its stack and leaves its memory
 * corrupt, after which no answer of it could be trusted, or none would come.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { classifySql, prepareSql } from '../../src/provider/supabase/sql/classify.ts'

await prepareSql()

const nested: Readonly<Record<string, (n: number) => string>> = {
  subselects: (n) => `select ${'(select '.repeat(n)}1${')'.repeat(n)}`,
  calls: (n) => `select ${'f('.repeat(n)}1${')'.repeat(n)}`,
  arrays: (n) => `select ${'array['.repeat(n)}1${']'.repeat(n)}`,
  sums: (n) => `select 1${'+1'.repeat(n)}`,
  negations: (n) => `select ${'not '.repeat(n)}true`,
  minuses: (n) => `select ${'- '.repeat(n)}1`,
  casts: (n) => `select 1${'::int'.repeat(n)}`,
  tests: (n) => `select 1${' is null'.repeat(n)}`,
  collations: (n) => `select a${' collate "C"'.repeat(n)}`,
  subscripts: (n) => `select a${'[1]'.repeat(n)}`,
  unions: (n) => `select 1, 2${' union select 1, 2'.repeat(n)}`,
  joins: (n) => `select 1 from a${' natural join a'.repeat(n)}`,
  cases: (n) => `select ${'case when a then '.repeat(n)}1${' end'.repeat(n)}`,
  'brackets closed in strings': (n) => `select ${"f(')', ".repeat(n)}1${')'.repeat(n)}`,
  'brackets closed in comments': (n) => `select ${'(/*)*/select '.repeat(n)}1${')'.repeat(n)}`,
  'brackets closed in names': (n) => `select ${'f(")", '.repeat(n)}1${')'.repeat(n)}`,
  'after commas': (n) => `select 1, ${'(select 1, '.repeat(n)}1${')'.repeat(n)}`,
}

test('nesting of any kind and depth is answered, and the parser works afterwards', () => {
  for (const [kind, make] of Object.entries(nested)) {
    for (const depth of [50, 100, 500, 1000, 2000, 5000, 12_000]) {
      const found = classifySql(make(depth))
      if (!found.ok) assert.doesNotMatch(found.detail, /gave up/, `${kind} ${depth}`)
      if (depth <= 100) assert(found.ok, `${kind} ${depth}`)
      if (depth >= 5000) assert(!found.ok, `${kind} ${depth}`)
      assert.deepEqual(classifySql('select 1').ok, true, `${kind} ${depth}`)
    }
  }
})

test('brackets in brackets are refused well before they cost the stack', () => {
  const found = classifySql(nested['subselects']?.(300) ?? '')
  assert.deepEqual(found, { ok: false, detail: 'The SQL is nested too deeply.' })
})

test('what is just shallow enough, in every kind at once, leaves the parser room', () => {
  for (const innermost of [
    `${'not '.repeat(1300)}true`,
    `a${' collate "C"'.repeat(650)}`,
    `1${' union select 1'.repeat(450)}`,
    `${'case when a then '.repeat(300)}1${' end'.repeat(300)}`,
  ])
    assert(classifySql(`select ${'(select '.repeat(199)}${innermost}${')'.repeat(199)}`).ok)
})

test('a parser that overflowed all the same is replaced, and refuses until then', async () => {
  const module = new URL('../../src/provider/supabase/sql/classify.ts', import.meta.url).href
  const script = `
    const { prepareSql, classifySql } = await import(${JSON.stringify(module)})
    await prepareSql()
    const before = classifySql('select 1')
    const text = 'select ' + '(select '.repeat(199) + 'not '.repeat(1300) + 'true' + ')'.repeat(199)
    const during = classifySql(text)
    const until = classifySql('select 1')
    await prepareSql()
    console.log(JSON.stringify([before, during, until, classifySql('select 1')].map((r) => r.ok ? r.effects.join() : r.detail)))`
  // With a stack so small that what is certainly shallow elsewhere overflows.
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--stack-size=120',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '--eval',
    script,
  ])
  assert.deepEqual(JSON.parse(stdout), [
    'read',
    'The SQL parser gave up on this text.',
    'The SQL parser is not loaded yet; try again.',
    'read',
  ])
})

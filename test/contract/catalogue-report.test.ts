/** What `npm run catalogue:report` says of the providers that ship. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { partsOf } from '../../bench/catalogue/parts.ts'
import { compileCatalogue } from '../../src/provider/compile/compile.ts'
import { isWantOfReview } from '../../src/provider/compile/report.ts'
import { shippedProviders } from '../../src/provider/registry.ts'

test('every catalogue has as many operations as its description, where that is at hand', async (t) => {
  const absent: string[] = []
  for (const adapter of shippedProviders().values()) {
    const parts = await partsOf(adapter)
    for (const { title, described, operations, unreviewed } of parts) {
      if (described === undefined) absent.push(title)
      else assert.equal(operations.length, described, title)
      for (const { denied } of unreviewed) assert.ok(denied !== undefined, title)
    }
    const listed = [...adapter.operations()].filter(({ name }) => !name.startsWith('__'))
    assert.equal(
      listed.length,
      parts.reduce((sum, { operations }) => sum + operations.length, 0),
      adapter.name,
    )
  }
  if (absent.length > 0) t.diagnostic(`no description at hand: ${absent.join(', ')}`)
})

test('a doubt of the rules is told from what a person wrote', () => {
  const one = { parameters: [], body: undefined, scopes: [], reveals: [] }
  const { operations } = compileCatalogue(
    [
      { ...one, name: 'frobnicate', method: 'POST', path: '/frobnicate' },
      { ...one, name: 'things/get', method: 'GET', path: '/things/{thing}' },
      { ...one, name: 'keys/list', method: 'GET', path: '/x', scopes: ['keys:delete'] },
      { ...one, name: 'servers/eval', method: 'POST', path: '/eval' },
    ],
    { source: 'test', denied: { 'servers/eval': 'it runs code' } },
  )
  const doubts = operations.filter(({ denied }) => denied !== undefined && isWantOfReview(denied))
  assert.deepEqual(
    doubts.map(({ name }) => name),
    ['frobnicate', 'keys/list', 'things/get'],
  )
  assert.equal(operations.length, 4)
})

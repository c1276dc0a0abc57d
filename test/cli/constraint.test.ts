import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readConstraint } from '../../src/cli/constraint.ts'

const forms: readonly (readonly [string, unknown])[] = [
  ['input.region=eu', { path: 'input.region', equals: 'eu' }],
  ['input.region="12"', { path: 'input.region', equals: '12' }],
  ['replicas=3', { path: 'replicas', equals: 3 }],
  ['replicas=-1.5', { path: 'replicas', equals: -1.5 }],
  ['draft=true', { path: 'draft', equals: true }],
  ['parent=null', { path: 'parent', equals: null }],
  ['id=12345678901234567890', { path: 'id', equals: '12345678901234567890' }],
  ['id=007', { path: 'id', equals: '007' }],
  ['id=1e3', { path: 'id', equals: '1e3' }],
  ['note=', { path: 'note', equals: '' }],
  ['note=a=b\nc', { path: 'note', equals: 'a=b\nc' }],
  ['replicas<=3', { path: 'replicas', max: 3 }],
  ['replicas>=1', { path: 'replicas', min: 1 }],
  ['region=["eu","us"]', { path: 'region', oneOf: ['eu', 'us'] }],
  ['{"path":"a","operations":["x"],"oneOf":[1]}', { path: 'a', operations: ['x'], oneOf: [1] }],
]

for (const [given, expected] of forms) {
  test(`--constraint ${JSON.stringify(given)} reads as ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readConstraint(given), expected)
  })
}

for (const given of [
  '',
  'replicas',
  '=3',
  'a..b=1',
  'a b=1',
  'a<=x',
  'a>=',
  'a<3',
  'a=[]',
  'a=[1',
  'a=[[1]]',
  '{',
  '{}',
  '{"path":1}',
  '{"path":"a","equal":1}',
]) {
  test(`--constraint ${JSON.stringify(given)} is refused`, () => {
    assert.throws(() => readConstraint(given), { exitCode: 2 })
  })
}

test('a text that is quoted as JSON is always that text, whatever it looks like', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.deepEqual(readConstraint(`a=${JSON.stringify(text)}`), { path: 'a', equals: text })
    }),
  )
})

/** `valetkey provider build` needs no broker; what imports is checked before a password is asked for. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { acmeDescription, acmeManifest, acmeReview } from '../support/acme.ts'
import { cli } from './world.ts'

function folder(t: TestContext): (name: string, content: unknown) => string {
  const made = mkdtempSync(path.join(tmpdir(), 'valetkey-provider-'))
  t.after(() => rmSync(made, { recursive: true }))
  return (name, content) => {
    const file = path.join(made, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }
}

test('a description is compiled with its review, reported and written', async (t) => {
  const file = folder(t)
  const out = file('catalogue.json', '')
  const { code, out: said } = await cli([
    'provider',
    'build',
    '--description',
    file('acme.json', acmeDescription()),
    '--review',
    file('review.json', acmeReview),
    '--manifest',
    file('manifest.json', acmeManifest),
    '--out',
    out,
  ])
  assert.equal(code, 0)
  assert.ok(said.includes('operations: 6'))
  assert.ok(said.includes('denied for want of review: 1'))
  assert.ok(said.some((line) => line.includes('to review: frobnicate: ')))
  const catalogue = JSON.parse(readFileSync(out, 'utf8')) as { operations: unknown[] }
  assert.equal(catalogue.operations.length, 6)
})

test('YAML is read like JSON, and --verbose says why', async (t) => {
  const file = folder(t)
  const yaml = `swagger: '2.0'
basePath: /api
paths:
  /things/{thing}:
    delete:
      operationId: things/delete
      parameters: [{ name: thing, in: path, type: string }]
`
  const { code, out } = await cli([
    'provider',
    'build',
    '--verbose',
    '--description',
    file('a.yaml', yaml),
    '--review',
    file('review.yaml', 'ids:\n  - at: thing\n'),
  ])
  assert.equal(code, 0)
  assert.ok(out.includes('things/delete  DELETE /api/things/{thing}  write destructive'))
  assert.ok(out.includes('    destructive: it is a DELETE'))
})

test('a list is compiled', async (t) => {
  const list = [['GET', '/things/{thing}', 'things/get']]
  const file = folder(t)('list.json', list)
  const { code, out } = await cli(['provider', 'build', '--list', '--description', file])
  assert.equal(code, 0)
  assert.ok(out.includes('operations: 1'))
})

test('a GraphQL schema is compiled, with the edges and secrets that wait for a review', async (t) => {
  const schema = `type Query { secrets: [Secret!]! thing(id: ID!): Thing }
    type Mutation { thing: Thing thingDelete(id: ID!): Boolean }
    type Thing { id: ID! owner: Thing apiKey: String } type Secret { value: String }`
  const file = folder(t)
  const out = file('catalogue.json', '')
  const argv = ['provider', 'build', '--graphql', '--verbose', '--out', out, '--description']
  const { code, out: said } = await cli([...argv, file('a.graphql', schema)])
  assert.equal(code, 0)
  assert.ok(said.includes('operations: 4'))
  assert.ok(said.includes('denied for want of review: 3'))
  assert.ok(said.includes('edges to review: 1'))
  assert.ok(said.includes('  to review: Thing.owner'))
  assert.ok(said.includes('  secret: Thing.apiKey'))
  const catalogue = JSON.parse(readFileSync(out, 'utf8')) as {
    operations: { name: string; effects: string; scope: string; denied?: string }[]
  }
  assert.deepEqual(
    catalogue.operations.map(({ name, effects, scope, denied }) => [
      name,
      effects,
      scope,
      denied !== undefined,
    ]),
    [
      ['mutation:thing', 'write', 'account', true],
      ['query:thing', 'read', 'account', true],
      ['secrets', 'read secret', 'account', false],
      ['thingDelete', 'write destructive', 'account', true],
    ],
  )
})

test('what is wrong is said in a sentence, before a password is asked for', async (t) => {
  const file = folder(t)
  const description = file('acme.json', acmeDescription())
  const wrong = file('wrong.json', { ...acmeManifest, origin: 'http://acme.example' })
  const hopping = file('hopping.json', {
    ...acmeManifest,
    injection: { header: 'host', prefix: '' },
  })
  const plain = file('plain.json', { origin: acmeManifest.origin })
  const badReview = file('review.json', { effects: { x: ['maybe'] } })
  for (const [argv, said] of [
    [['build', '--description', '/nowhere/at-all'], /it is not there/],
    [['build', '--description', file('a.json', '{"a":')], /was not compiled: .*line 1/],
    [['build', '--description', file('b.json', '{}')], /has no paths/],
    [
      ['build', '--description', description, '--review', badReview],
      /review is wrong at \/effects/,
    ],
    [['build', '--description', description, '--graphql', '--list'], /contradict/],
    [
      ['import', 'acme', '--graphql', '--description', description, '--manifest', plain],
      /manifest\/graphql: it must say on which path/,
    ],
    [['import', 'acme', '--description', description, '--manifest', wrong], /wrong at \/origin/],
    [['import', 'acme', '--description', description, '--manifest', hopping], /host cannot be set/],
    [['import', '../x', '--description', description, '--manifest', wrong], /small letters/],
  ] as const) {
    const { code, err, asked } = await cli(['provider', ...argv])
    assert.notEqual(code, 0)
    assert.match(err.join('\n'), said)
    assert.deepEqual(asked, [])
  }
})

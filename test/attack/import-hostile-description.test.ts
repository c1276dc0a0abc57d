/**
 * A description is somebody else's text. Its author would have a request read as another operation, an argument hide
 * behind another, an operation pass unreviewed, the compiler run for ever, or a terminal show what is not so.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { compileApart } from '../../src/provider/imported/compile-apart.ts'
import { compileImported, type Compiled } from '../../src/provider/imported/compile.ts'
import { importedAdapter } from '../../src/provider/imported/adapter.ts'
import type { ImportedReview } from '../../src/provider/imported/review.ts'
import type { ProviderAdapter } from '../../src/provider/adapter.ts'
import { acmeManifest, acmeReview } from '../support/acme.ts'

type Good = Extract<Compiled, { ok: true }>
type Operation = Record<string, unknown>

const ids: ImportedReview = { ids: acmeReview.ids ?? [] }

const inPath = (name: string) => ({ name, in: 'path', schema: { type: 'string' } })
const inQuery = (name: string) => ({ name, in: 'query', schema: { type: 'string' } })
const described = (paths: Record<string, unknown>) => JSON.stringify({ openapi: '3.0.0', paths })

function compiled(paths: Record<string, unknown>, review: ImportedReview = ids): Good {
  const result = compileImported({
    description: described(paths),
    kind: 'openapi',
    manifest: acmeManifest,
    review,
  })
  assert.ok(result.ok, result.ok ? '' : result.detail)
  return result
}

function adapterOf(result: Good): ProviderAdapter {
  const imported = { name: 'acme', manifest: acmeManifest, version: '1' }
  return importedAdapter(imported, () => result.catalogue)
}

function identify(result: Good, method: string, target: string) {
  const [path = '', query] = target.split('?')
  return adapterOf(result).identify({ method, path, query, headers: {}, body: Buffer.alloc(0) })
}

/** The operation that a request is, or undefined where it is refused. */
function operationOf(result: Good, method: string, target: string): string | undefined {
  const identified = identify(result, method, target)
  return identified.ok ? identified.invocations[0]?.operation : undefined
}

const server: Operation = { operationId: 'servers/get', parameters: [inPath('server')] }

test('every operation is listed, however odd, and none is dropped', () => {
  const result = compiled({
    '/a/{server}': { get: server, trace: {}, options: {} },
    '/a/{server}:destroy': { post: { operationId: 'x' } },
    '/a?action=drop': { post: { operationId: 'x' } },
    '/proxy/../a': { get: { operationId: 'constructor' } },
    '/%2e%2e/a': { get: { operationId: '__proto__' } },
    '/a b': { get: { operationId: 'toString' } },
    'no-slash': { get: { operationId: 'hasOwnProperty' } },
    '/a//b': { get: { operationId: '9lives' } },
  })
  assert.equal(result.report.operations, 10)
  assert.equal([...adapterOf(result).operations()].length, 10)
})

test('a path that is no template is never found, and takes its neighbour with it', () => {
  const apart = compiled({ '/a/{server}': { post: server } })
  assert.equal(operationOf(apart, 'POST', '/v1/x'), undefined)
  assert.equal(operationOf(apart, 'POST', '/a/x'), 'servers/get')
  const beside = compiled({
    '/a/{server}': { post: server },
    '/a/{server}:destroy': { post: { operationId: 'servers/destroy' } },
  })
  assert.equal(operationOf(beside, 'POST', '/a/x:destroy'), undefined)
  assert.equal(operationOf(beside, 'POST', '/a/x'), undefined)
  const query = compiled({
    '/a/{server}': { post: server },
    '/a/{server}?action=destroy': { post: { operationId: 'servers/destroy' } },
  })
  assert.equal(operationOf(query, 'POST', '/a/x'), undefined)
})

test('a GET that sounds as if it acted is not taken for a read', () => {
  for (const [path, operationId] of [
    ['/a/{server}', 'servers/delete'],
    ['/a/{server}/reset', 'getReset'],
    ['/a/{server}/reboot', ''],
    ['/a/{server}', 'restartServer'],
  ] as const) {
    const get = { ...server, operationId }
    const result = compiled({ [path]: { get } })
    assert.equal(operationOf(result, 'GET', path.replace('{server}', 'x')), undefined, path)
    const [only] = result.report.listed
    const effects = { [only?.name ?? '']: ['write', 'destructive'] as const }
    const reviewed = compiled({ [path]: { get } }, { ...ids, effects: { ...effects } as never })
    assert.equal(operationOf(reviewed, 'GET', path.replace('{server}', 'x')), only?.name)
  }
})

test('two operations of one form are neither', () => {
  const result = compiled({
    '/a/{server}': { get: server },
    '/a/{other}': { get: { operationId: 'secrets/get', parameters: [inPath('other')] } },
  })
  assert.equal(operationOf(result, 'GET', '/a/x'), undefined)
  assert.equal(result.report.unreviewed, 2)
})

test('an argument does not hide behind another of its name', () => {
  for (const path of ['/a/{server}/b/{server}', '/a/{__proto__}', '/a/{body}', '/a/{x y}']) {
    const result = compiled({ [path]: { get: { operationId: 'x', parameters: [] } } })
    assert.equal(operationOf(result, 'GET', '/a/own/b/foreign'), undefined, path)
    assert.equal(operationOf(result, 'GET', '/a/foreign'), undefined, path)
    assert.match(result.report.listed[0]?.denied ?? '', /kept apart|two parameters/, path)
  }
  const shadowed = compiled({
    '/a/{server}': { get: { ...server, parameters: [inPath('server'), inQuery('server')] } },
  })
  assert.equal(operationOf(shadowed, 'GET', '/a/foreign?server=own'), undefined)
  assert.match(shadowed.report.listed[0]?.denied ?? '', /name of another argument/)
})

test('a name does not smuggle a second one into the catalogue', () => {
  for (const name of ['a account', 'a\taccount', 'page|list', 'a:b:target', '*', '']) {
    const result = compiled({
      '/a/{server}': { get: { ...server, parameters: [inPath('server'), inQuery(name)] } },
    })
    assert.equal(operationOf(result, 'GET', '/a/x'), undefined, JSON.stringify(name))
    const schema = { properties: { [name]: { type: 'string' } } }
    const body = compiled({
      '/a/{server}': {
        put: { ...server, requestBody: { content: { 'application/json': { schema } } } },
      },
    })
    assert.equal(operationOf(body, 'PUT', '/a/x'), undefined, JSON.stringify(name))
  }
})

test('names of an object’s own machinery find nothing in a review', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
    const result = compiled({ '/a/{server}': { delete: { ...server, operationId: name } } })
    const [only] = result.report.listed
    assert.deepEqual(only?.effects, ['write', 'destructive'], name)
  }
})

test('what the description does not say is denied until somebody has looked', () => {
  const list = JSON.stringify([['POST', '/servers/{server}/attach', 'servers/attach']])
  const compile = (review: ImportedReview) => {
    const result = compileImported({
      description: list,
      kind: 'list',
      manifest: acmeManifest,
      review,
    })
    assert.ok(result.ok)
    return operationOf(result, 'POST', '/servers/x/attach')
  }
  assert.equal(compile(ids), undefined)
  assert.equal(compile({ ...ids, open: ['servers/attach'] }), 'servers/attach')
})

test('a field that is named like a credential and cannot be redacted keeps its operation denied', () => {
  const schema = { properties: { 'api.token': { type: 'string' } } }
  const responses = { 200: { content: { 'application/json': { schema } } } }
  const result = compiled({ '/a/{server}': { get: { ...server, responses } } })
  assert.equal(operationOf(result, 'GET', '/a/x'), undefined)
})

test('nothing that is reported or told to an agent holds a control or a look-alike', () => {
  const evil = '\u001b[2J\u202e\u0000\nид'
  const result = compiled({
    [`/a/{server}/${evil}`]: { get: { operationId: `x${evil}` } },
    '/b/{server}': {
      get: { ...server, operationId: evil, parameters: [inPath('server'), inQuery(`${evil}_id`)] },
    },
    '/c/{server}': {
      get: { ...server, operationId: 'c', security: [{ oauth: [`${evil}:delete`] }] },
    },
  })
  for (const one of result.report.listed) assert.match(JSON.stringify(one), /^[ -~]*$/)
  assert.match(result.catalogue, /^[ -~\n]*$/)
})

test('references that go round, multiply, or lead out of the document end in a refusal', () => {
  const compile = (schemas: Record<string, unknown>, paths?: Record<string, unknown>) =>
    compileImported({
      description: JSON.stringify({
        openapi: '3.0.0',
        components: { schemas },
        paths: paths ?? {
          '/a': {
            post: {
              operationId: 'a',
              requestBody: {
                content: { 'application/json': { schema: { $ref: '#/components/schemas/A0' } } },
              },
            },
          },
        },
      }),
      kind: 'openapi',
      review: {},
    })
  const refersTo = (name: string) => ({ $ref: `#/components/schemas/${name}` })
  const circle = compile({ A0: refersTo('A1'), A1: refersTo('A0') })
  assert.ok(!circle.ok && /refers to itself/.test(circle.detail))
  const bomb: Record<string, unknown> = { A12: { properties: { x: {} } } }
  for (let i = 0; i < 12; i++)
    bomb[`A${String(i)}`] = {
      allOf: Array.from({ length: 20 }, () => refersTo(`A${String(i + 1)}`)),
    }
  const multiplied = compile(bomb)
  assert.ok(!multiplied.ok && /multiply/.test(multiplied.detail))
  for (const $ref of ['https://evil.example/x', 'file:///etc/passwd', '#/__proto__/x', '#/nope'])
    assert.ok(!compile({ A0: { $ref } }).ok, $ref)
})

test('what is nested without end, or of more operations than are read, is refused', () => {
  const many = JSON.stringify(
    Array.from({ length: 20_001 }, (_, i) => ['GET', `/a/${String(i)}`, `a${String(i)}`]),
  )
  const tooMany = compileImported({ description: many, kind: 'list', review: {} })
  assert.ok(!tooMany.ok && /20001 operations/.test(tooMany.detail))
  const deep = '[ '.repeat(100_000)
  assert.ok(!compileImported({ description: deep, kind: 'list', review: {} }).ok)
  const aliases = Array.from(
    { length: 30 },
    (_, i) => `a${String(i)}: &a${String(i)} [${`*a${String(i - 1)},`.repeat(i === 0 ? 0 : 9)}]`,
  ).join('\n')
  assert.ok(!compileImported({ description: aliases, kind: 'openapi', review: {} }).ok)
  const graphql = `type Query { a: ${'['.repeat(100_000)}`
  assert.ok(!compileImported({ description: graphql, kind: 'graphql', review: {} }).ok)
})

test('an error quotes nothing of the description', () => {
  for (const kind of ['openapi', 'list', 'graphql'] as const) {
    const result = compileImported({ description: '{"SECRET-\u001b[2J', kind, review: {} })
    assert.ok(!result.ok)
    assert.match(result.detail, /^[ -~]+$/)
    assert.ok(!result.detail.includes('SECRET'))
  }
})

test('a compilation that takes too long is ended, and the thread with it', async () => {
  const result = await compileApart({ description: '[]', kind: 'list', review: {} }, 0)
  assert.ok(!result.ok && /could not be compiled within/.test(result.detail))
})

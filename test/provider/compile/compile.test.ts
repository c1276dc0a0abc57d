import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classify } from '../../../src/provider/compile/classify.ts'
import { compileCatalogue, explain, serialise } from '../../../src/provider/compile/compile.ts'
import type { Described } from '../../../src/provider/compile/described.ts'
import { readList } from '../../../src/provider/compile/list.ts'
import type { Review } from '../../../src/provider/compile/review.ts'
import { loadOperation } from '../../../src/provider/rest/catalogue.ts'
import { readCatalogue } from '../../../src/provider/rest/written.ts'

function described(line: string, change: Partial<Described> = {}): Described {
  const [method = '', path = '', name = ''] = line.split(' ')
  return { name, method, path, parameters: [], body: undefined, scopes: [], reveals: [], ...change }
}

function effectsOf(line: string, review: Partial<Review> = {}, change: Partial<Described> = {}) {
  const { effects, unsure } = classify(described(line, change), { source: 'test', ...review })
  return unsure === undefined ? effects.join(' ') : `unsure: ${unsure}`
}

test('effects come from the method, the words and the segments', () => {
  for (const [line, effects] of [
    ['GET /v2/droplets droplets_list', 'read'],
    ['POST /v2/droplets droplets_create', 'write'],
    ['DELETE /v2/droplets/{id} droplets_destroy', 'write destructive'],
    ['POST /v2/disks/{id}/wipe disks_act', 'write destructive'],
    ['POST /v2/batch purgeEverything', 'write destructive'],
    ['PUT /v2/disks/{id} disks_put', 'write'],
    ['GET /v2/ssh_keys keysList', 'read secret'],
    ['POST /v2/users/{id}/permissions grant_create', 'write admin'],
    ['POST /v2/tokens token_create', 'write secret admin'],
    ['POST /v2/search search', 'write'],
  ] as const)
    assert.equal(effectsOf(line), effects, line)
})

test('what a POST does that no word tells is unsure, and no POST is a read', () => {
  assert.match(effectsOf('POST /v2/things/{id}/frobnicate frob'), /^unsure/)
  assert.equal(effectsOf('POST /v2/things/list listThings'), 'write')
})

test('the provider’s own permissions add effects, never take one away, and contradict a read', () => {
  assert.equal(effectsOf('POST /v2/x create', {}, { scopes: ['x:delete'] }), 'write destructive')
  assert.equal(effectsOf('DELETE /v2/x del', {}, { scopes: ['x:read'] }), 'write destructive')
  assert.equal(effectsOf('PUT /v2/x put', {}, { scopes: ['admin:x'] }), 'write admin')
  assert.match(effectsOf('GET /v2/x get', {}, { scopes: ['x:delete'] }), /^unsure/)
})

test('a review of an operation stands in place of the rules, and adds words for the rest', () => {
  const review = { effects: { undo: ['write'] }, governing: ['vault'], harmless: ['keys'] } as const
  assert.equal(effectsOf('DELETE /v2/likes undo', review), 'write')
  assert.equal(effectsOf('POST /v2/vault create', review), 'write admin')
  assert.equal(effectsOf('GET /v2/keys list', review), 'read')
})

const rows = [
  described('GET /v2/disks/{disk_id}/parts/{part_id} part_get'),
  described('POST /v2/disks/{disk_id}/copy disk_copy', {
    body: { members: ['to', 'to.host_id', 'tags'], form: 'json', upload: [] },
  }),
  described('GET /v2/account account_get'),
  described('GET /v2/hosts/{id} host_get', {
    reveals: [
      ['host', 'password'],
      ['host', 'token'],
    ],
  }),
  described('POST /v2/disks/{disk_id}/frobnicate disk_frob'),
]
const review: Review = {
  source: 'test 1',
  ids: [
    { at: 'disk_id', kind: 'disk' },
    { at: 'id', under: '/v2/hosts', kind: 'host', role: 'container' },
  ],
  revealsNot: ['token'],
}

test('a catalogue has exactly as many operations as the description, denied ones included', () => {
  const { operations } = compileCatalogue(rows, review)
  assert.deepEqual(
    operations.map(({ name }) => name),
    ['account_get', 'disk_copy', 'disk_frob', 'host_get', 'part_get'],
  )
})

test('ids have roles by rule; those inside of a located path need none, every other one does', () => {
  const byName = new Map(explain(rows, review).map((one) => [one.operation.name, one]))
  assert.equal(byName.get('part_get')?.operation.ids, 'disk_id:disk:target')
  assert.equal(byName.get('host_get')?.operation.ids, 'id:host:container')
  assert.match(byName.get('disk_copy')?.operation.denied ?? '', /body\.to\.host_id/)
  assert.match(byName.get('disk_frob')?.operation.denied ?? '', /what it does/)
  assert.equal(byName.get('account_get')?.operation.scope, 'account')
  const reviewed = {
    ...review,
    ids: [...(review.ids ?? []), { at: 'body.to.host_id', kind: 'host' }],
  }
  const copy = compileCatalogue(rows, reviewed).operations.find(({ name }) => name === 'disk_copy')
  assert.equal(copy?.denied, undefined)
  assert.equal(copy?.ids, 'disk_id:disk:target body.to.host_id:host:target')
})

test('the first parameter of a path without a rule is denied, not taken for an account', () => {
  const [one] = explain([described('GET /v2/ships/{ship} ship_get')], { source: 'x' })
  assert.match(one?.unreviewed ?? '', /role was not reviewed: ship/)
})

test('fields that carry credentials are listed, but for those that a review says are none', () => {
  const found = compileCatalogue(rows, review).operations.find(({ name }) => name === 'host_get')
  assert.deepEqual(found?.reveals, ['host.password'])
})

test('a review of what the description no longer has is an error, and so are two of one name', () => {
  assert.throws(
    () => compileCatalogue(rows, { ...review, effects: { gone: ['read'] } }),
    /not in the description: gone/,
  )
  assert.throws(() => compileCatalogue([...rows, ...rows], review), /two operations are called/)
})

test('where the credential is the environment, everything touches it', () => {
  const all = compileCatalogue(rows, { source: 'x', credentialIsEnvironment: true }).operations
  assert.deepEqual([...new Set(all.map(({ scope }) => scope))], ['environment'])
})

test('a list gives each row an operation of its own, with open parameters', () => {
  const list = readList(
    [
      ['get', '/a/', 'list all'],
      ['GET', '/b', 'x'],
      ['POST', '/b', 'x'],
    ],
    'form',
  )
  assert.deepEqual(
    list.map(({ name, path }) => `${name} ${path}`),
    ['list-all /a', 'x/get/b /b', 'x/post/b /b'],
  )
  const [, , post] = compileCatalogue(list, {
    source: 'x',
    credentialIsEnvironment: true,
  }).operations
  assert.deepEqual(
    { query: post?.query, body: post?.body, form: post?.form },
    { query: '*', body: '*', form: true },
  )
  for (const bad of [{}, [['GET', '/a']], [['GET', '/a', 5]]]) assert.throws(() => readList(bad))
})

test('a catalogue comes back from its text as it was', () => {
  const catalogue = compileCatalogue(rows, review)
  const read = readCatalogue(serialise(catalogue))
  assert.deepEqual(read, catalogue)
  for (const operation of read.operations)
    assert.equal(loadOperation(operation).name, operation.name)
})

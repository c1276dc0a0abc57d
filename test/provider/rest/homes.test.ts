/** The forms of a home that a manifest may state beside the plain ones: each says when a view is not complete. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mayHold } from '../../../src/core/condition.ts'
import type { JsonValue, Located } from '../../../src/core/operation.ts'
import { idsIn } from '../../../src/provider/rest/adapter.ts'
import { createAnswers } from '../../../src/provider/rest/answers.ts'
import { loadOperation } from '../../../src/provider/rest/catalogue.ts'
import { createLocator } from '../../../src/provider/rest/locate.ts'
import type { Home, RestManifest } from '../../../src/provider/rest/manifest.ts'

const homes: Readonly<Record<string, Home>> = {
  project: { is: 'place' },
  host: { is: 'asked', path: '/hosts/{id}', at: 'project_id', of: 'project', same: 'id' },
  default_project: { is: 'asked', path: '/projects/default', at: 'id', of: 'project' },
  copy: {
    is: 'asked',
    path: '/copies/{id}',
    at: 'of.id',
    of: { at: 'of.type', kinds: { host: 'host', project: 'project' } },
    same: 'id',
    provided: /^public-[a-z]+$/,
  },
  address: {
    is: 'asked',
    path: '/addresses/{id}',
    at: 'project_id',
    of: 'project',
    same: 'id',
    also: [{ at: 'host.id', of: 'host' }],
  },
  wall: {
    is: 'asked',
    path: '/walls/{id}',
    at: 'hosts.*',
    of: 'host',
    same: 'id',
    unless: 'tags.*',
  },
  part: {
    is: 'listed',
    of: 'project',
    path: '/projects/{of}/parts',
    items: '*.id',
    spelled: '{id}',
    next: 'next',
  },
}

const answered: Readonly<Record<string, unknown>> = {
  '/hosts/h1': { id: 'h1', project_id: 'p1' },
  '/hosts/h9': { id: 'h9', project_id: 'p9' },
  '/projects/default': { id: 'p9' },
  '/copies/c1': { id: 'c1', of: { id: 'h1', type: 'host' } },
  '/copies/c9': { id: 'c9', of: { id: 'p9', type: 'project' } },
  '/copies/odd': { id: 'odd', of: { id: 'h1', type: 'constructor' } },
  '/copies/none': { id: 'none', of: { id: 'h1' } },
  '/addresses/free': { id: 'free', project_id: 'p1', host: null },
  '/addresses/taken': { id: 'taken', project_id: 'p1', host: { id: 'h9' } },
  '/walls/plain': { id: 'plain', hosts: ['h1'], tags: [] },
  '/walls/tagged': { id: 'tagged', hosts: ['h1'], tags: ['web'] },
  '/projects/p1/parts?page=1': [{ id: 'a' }],
}

async function locate(kind: string, id: string): Promise<Located> {
  const locator = createLocator(
    { homes } as unknown as RestManifest,
    createAnswers(() => 0),
  )
  return locator(
    {
      operation: 'x',
      effects: ['write'],
      added: [],
      scope: 'environment',
      arguments: {},
      resources: [{ kind, id, role: 'target', path: 'x' }],
      widens: [],
    },
    {
      fresh: true,
      cacheKey: 'cred:1',
      bound: new Set(['project:p1']),
      ask: ({ target }) =>
        Promise.resolve(
          target in answered
            ? { status: 200, json: answered[target] }
            : { status: 404, json: undefined },
        ),
    },
  )
}

const why = ({ unresolved }: Located) => unresolved.map((one) => one.why)

test('what an answer says it is of decides where it lives; what it does not say is unknown', async () => {
  assert.deepEqual((await locate('copy', 'c1')).places, ['project:p1'])
  assert.deepEqual((await locate('copy', 'c9')).places, ['project:p9'])
  for (const id of ['odd', 'none']) assert.deepEqual(why(await locate('copy', id)), ['no_resolver'])
})

test('what the provider gives to everyone touches nothing, and is not asked about', async () => {
  assert.deepEqual(await locate('copy', 'public-linux'), { places: [], unresolved: [] })
  assert.deepEqual(why(await locate('copy', 'public-linux-of-mine')), ['not_found'])
})

test('what it also reaches is established as well', async () => {
  assert.deepEqual((await locate('address', 'free')).places, ['project:p1'])
  assert.deepEqual((await locate('address', 'taken')).places, ['project:p1', 'project:p9'])
})

test('where it reaches more than it lists, its list is no view', async () => {
  assert.deepEqual((await locate('wall', 'plain')).places, ['project:p1'])
  assert.deepEqual(why(await locate('wall', 'tagged')), ['view_incomplete'])
})

test('a list may be the whole answer', async () => {
  assert.deepEqual((await locate('part', 'a')).places, ['project:p1'])
  assert.deepEqual(why(await locate('part', 'b')), ['not_found'])
})

test('an argument that is absent, or null, is what its absence means', async () => {
  const operation = loadOperation({
    name: 'things/create',
    method: 'POST',
    path: '/things',
    effects: 'write',
    scope: 'environment',
    body: 'project_id',
    ids: 'body.project_id:project:target:default_project',
  })
  for (const body of [{}, { project_id: null }]) {
    const [ref, ...others] = idsIn({ body }, operation)
    assert.equal(ref?.kind, 'default_project')
    assert.equal(others.length, 0)
    assert.deepEqual((await locate(ref?.kind ?? '', ref?.id ?? '')).places, ['project:p9'])
  }
  const named = idsIn({ body: { project_id: 'p1' } }, operation)
  assert.deepEqual(
    named.map(({ kind, id }) => [kind, id]),
    [['project', 'p1']],
  )
})

test('ids are read as conditions read arguments: what a condition sees at a path, an id is', () => {
  const json = fc.letrec<{ value: JsonValue; object: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<JsonValue>(null, 1, 'x', 'y'),
      fc.array(tie('value'), { maxLength: 2 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.constantFrom('a', 'A', 'b', 'bId', 'b_id'), tie('value')),
  }))
  const path = fc.array(fc.constantFrom('a', 'b', 'b_id', '*'), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(json.object, path, (body, keys) => {
      const at = ['body', ...keys].join('.')
      const operation = loadOperation({
        name: 'x',
        method: 'POST',
        path: '/x',
        effects: 'write',
        scope: 'environment',
        body: '*',
        ids: `${at}:host:target`,
      })
      const seen = (equals: JsonValue) => mayHold({ path: at, oneOf: [equals] }, { body })
      for (const { id, kind } of idsIn({ body }, operation))
        if (kind === 'host') assert.ok(seen(id), `${at} ${id}`)
    }),
    { numRuns: 500 },
  )
})

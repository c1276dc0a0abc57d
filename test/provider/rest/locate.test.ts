import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation, ResourceRef } from '../../../src/core/operation.ts'
import type { LocateContext } from '../../../src/provider/adapter.ts'
import { askBudget, believedFor, createAnswers } from '../../../src/provider/rest/answers.ts'
import { createLocator } from '../../../src/provider/rest/locate.ts'
import type { RestManifest } from '../../../src/provider/rest/manifest.ts'
import { bareManifest } from '../../support/bare-manifest.ts'

const manifest = bareManifest({
  project: { is: 'place' },
  disk: { is: 'asked', path: '/disks/{id}', at: 'disk.hosts.*', of: 'host', same: 'disk.id' },
  host: { is: 'asked', path: '/hosts/{id}', at: 'project_id', of: 'project', same: 'id' },
  loose: { is: 'asked', path: '/hosts/{id}', at: 'project_id', of: 'project' },
  app: {
    is: 'listed',
    of: 'project',
    path: '/projects/{of}/resources?per_page=2',
    items: 'resources.*.urn',
    spelled: 'shop:app:{id}',
    next: 'links.next',
  },
})

type World = Readonly<Record<string, unknown>>

/** Answers from a world of targets; what is not in it is a 404, and what is an Error breaks. */
function setUp(world: World, change: Partial<RestManifest> = {}) {
  const asked: string[] = []
  const clock = { now: 0 }
  const answers = createAnswers(() => clock.now)
  const locate = createLocator({ ...manifest, ...change }, answers)
  const context = (given: Partial<LocateContext> = {}): LocateContext => ({
    fresh: false,
    cacheKey: 'cred_1:1',
    bound: new Set(['project:p1', 'project:p2']),
    ask: async ({ target }) => {
      asked.push(target)
      await Promise.resolve()
      const json = world[target]
      if (json instanceof Error) throw json
      if (typeof json === 'number') return { status: json, json: undefined }
      return json === undefined ? { status: 404, json: {} } : { status: 200, json }
    },
    ...given,
  })
  return { asked, clock, context, locate }
}

function touching(refs: readonly (readonly [string, string])[], effect: 'read' | 'write' = 'read') {
  return {
    operation: 'x',
    effects: [effect],
    added: [],
    scope: 'environment',
    arguments: {},
    resources: refs.map(([kind, id]): ResourceRef => ({ kind, id, role: 'target', path: kind })),
    widens: [],
  } satisfies Invocation
}

const world: World = {
  '/disks/d1': { disk: { id: 'd1', hosts: ['h1', 'h2'] } },
  '/disks/07': { disk: { id: 7, hosts: ['h1'] } },
  '/disks/loose': { disk: { hosts: [] } },
  '/hosts/h1': { id: 'h1', project_id: 'p1' },
  '/hosts/h2': { id: 'h2', project_id: 'p9' },
  '/hosts/odd': { id: 'odd', project_id: { id: 'p1' } },
  '/hosts/none': { id: 'none', project_id: null },
  '/hosts/broken': 500,
  '/hosts/away': new Error('no answer'),
  '/projects/p1/resources?per_page=2&page=1': {
    resources: [{ urn: 'shop:app:1' }, { urn: 'shop:app:2' }],
    links: { next: 'more' },
  },
  '/projects/p1/resources?per_page=2&page=2': { resources: [{ urn: 'shop:app:3' }], links: {} },
  '/projects/p2/resources?per_page=2&page=1': { resources: [], links: {} },
}

test('an id that is a place needs no question', async () => {
  const { locate, context, asked } = setUp(world)
  assert.deepEqual(await locate(touching([['project', 'p7']]), context()), {
    places: ['project:p7'],
    unresolved: [],
  })
  assert.deepEqual(asked, [])
})

test('an id is followed through every owner, and touches all of them', async () => {
  const { locate, context } = setUp(world)
  const located = await locate(touching([['disk', 'd1']]), context())
  assert.deepEqual(located, { places: ['project:p1', 'project:p9'], unresolved: [] })
})

test('each id is established on its own, whatever stands beside it', async () => {
  const { locate, context } = setUp(world)
  const located = await locate(
    touching([
      ['project', 'p1'],
      ['host', 'h2'],
    ]),
    context(),
  )
  assert.deepEqual(located.places, ['project:p1', 'project:p9'])
})

test('an answer that is missing, broken, ownerless, of another id or of another type is no answer', async () => {
  const { locate, context } = setUp(world)
  for (const [kind, id, why] of [
    ['host', 'gone', 'not_found'],
    ['host', 'broken', 'lookup_failed'],
    ['host', 'away', 'lookup_failed'],
    ['host', 'none', 'view_incomplete'],
    ['host', 'odd', 'lookup_failed'],
    ['disk', '07', 'lookup_failed'],
    ['disk', 'loose', 'lookup_failed'],
    // Nothing says which member of the answer is the id.
    ['loose', 'h1', 'no_resolver'],
    ['ship', 's1', 'no_resolver'],
    ['constructor', 'x', 'no_resolver'],
  ] as const) {
    const located = await locate(touching([[kind, id]]), context())
    assert.deepEqual(located, { places: [], unresolved: [{ kind, id, why }] }, `${kind} ${id}`)
  }
})

test('what its arguments make a write forgets what was kept, as any write does', async () => {
  const { locate, context, asked } = setUp(world)
  const read = touching([['host', 'h1']])
  await locate(read, context())
  await locate({ ...read, added: ['secret'] }, context())
  assert.equal(asked.length, 1)
  await locate({ ...read, added: ['write'] }, context())
  await locate(read, context())
  assert.equal(asked.length, 2)
})

test('a list is read to its end, in every bound place, and in no other', async () => {
  const { locate, context, asked } = setUp(world)
  assert.deepEqual((await locate(touching([['app', '3']]), context())).places, ['project:p1'])
  assert.equal(asked.length, 3)
  const bound = new Set(['project:p2', 'host:h1'])
  assert.deepEqual(await locate(touching([['app', '3']]), context({ bound })), {
    places: [],
    unresolved: [{ kind: 'app', id: '3', why: 'not_found' }],
  })
})

test('a list that never ends, or is none, is not a view', async () => {
  const endless = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [
      `/projects/p1/resources?per_page=2&page=${String(i + 1)}`,
      { resources: [{ urn: 'shop:app:1' }], links: { next: 'more' } },
    ]),
  )
  const bound = new Set(['project:p1'])
  const first = '/projects/p1/resources?per_page=2&page=1'
  for (const [given, why] of [
    [endless, 'too_many'],
    [{ [first]: {} }, 'lookup_failed'],
    [{ [first]: { resources: [{ urn: 5.5 }] } }, 'lookup_failed'],
    [{ [first]: 500 }, 'lookup_failed'],
  ] as const) {
    const { locate, context } = setUp(given)
    const located = await locate(touching([['app', '1']]), context({ bound }))
    assert.deepEqual(located.unresolved, [{ kind: 'app', id: '1', why }])
  }
})

test('a burst asks once, an answer is believed for ten seconds, and a failure is not kept', async () => {
  const { locate, context, asked, clock } = setUp(world)
  const host = touching([['host', 'h1']])
  await Promise.all(Array.from({ length: 20 }, async () => locate(host, context())))
  assert.equal(asked.length, 1)
  clock.now = believedFor - 1
  await locate(host, context())
  assert.equal(asked.length, 1)
  clock.now = believedFor
  await locate(host, context())
  assert.equal(asked.length, 2)
  for (let i = 0; i < 2; i++) await locate(touching([['host', 'broken']]), context())
  assert.equal(asked.length, 4)
})

test('no two credentials, and no two versions of one, share an answer', async () => {
  const { locate, context, asked } = setUp(world)
  for (const cacheKey of ['cred_1:1', 'cred_1:2', 'cred_2:1'])
    await locate(touching([['host', 'h1']]), context({ cacheKey }))
  assert.equal(asked.length, 3)
})

test('a request that must not rely on what was kept asks anew, each thing once', async () => {
  const { locate, context, asked } = setUp(world)
  await locate(touching([['host', 'h1']]), context())
  const grave = context({ fresh: true })
  await locate(
    touching([
      ['host', 'h1'],
      ['host', 'h1'],
    ]),
    grave,
  )
  assert.equal(asked.length, 2)
  // And what it was told is not kept for others, who may come after its effect.
  await locate(touching([['host', 'h2']]), context({ fresh: true }))
  await locate(touching([['host', 'h2']]), context())
  assert.equal(asked.length, 4)
})

test('a write forgets what its credential was told', async () => {
  const { locate, context, asked } = setUp(world)
  await locate(touching([['host', 'h1']]), context())
  await locate(touching([['project', 'p1']], 'write'), context())
  await locate(touching([['host', 'h1']]), context())
  assert.equal(asked.length, 2)
})

test('one request asks no more than its budget', async () => {
  const { locate, context, asked } = setUp(world)
  const many = Array.from({ length: askBudget + 5 }, (_, i) => ['host', `x${String(i)}`] as const)
  const located = await locate(touching(many), context())
  assert.equal(asked.length, askBudget)
  assert.equal(located.unresolved.filter(({ why }) => why === 'too_many').length, 5)
})

test('where the key is the environment, every operation touches it', async () => {
  const { locate, context } = setUp({}, { self: { is: 'key' } })
  assert.deepEqual((await locate(touching([]), context())).places, ['key:own'])
})

test('where the provider says what the key is, its word is a place, and another word is none', async () => {
  const self = {
    is: 'asked',
    path: '/me',
    at: 'live',
    of: 'mode',
    as: { true: 'live', false: 'test' },
  } as const
  for (const [answer, places] of [
    [{ live: false }, ['mode:test']],
    [{ live: true }, ['mode:live']],
    [{ live: 'maybe' }, []],
    [{}, []],
    [401, []],
  ] as const) {
    const { locate, context } = setUp({ '/me': answer }, { self })
    const located = await locate(touching([]), context())
    assert.deepEqual(located.places, places)
    assert.equal(located.unresolved.length, places.length === 0 ? 1 : 0)
  }
})

test('names that the provider compares without case are one place', async () => {
  const { locate, context } = setUp({}, { caseless: true })
  assert.deepEqual((await locate(touching([['project', 'ACME']]), context())).places, [
    'project:acme',
  ])
})

/**
 * A look-up that answers half, loosely or about something else: an error beside data, null where a home stood, one page of
 * two, the answer to another id. None of it is taken for where an object lives.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation, Located } from '../../src/core/operation.ts'
import type { Ask, ProviderAdapter } from '../../src/provider/adapter.ts'
import type { ImportedManifest } from '../../src/provider/imported/manifest.ts'
import { depotManifest } from '../support/depot.ts'
import { adapterOf, compileDepot, identify } from '../support/imported-graphql.ts'

type Variables = { readonly id?: string; readonly of?: string; readonly after?: string | null }

/** Where a request reaches, as `answer` answers the broker's questions. */
async function locate(
  document: string,
  answer: (variables: Variables) => unknown,
  more: {
    readonly status?: number
    readonly bound?: readonly string[]
    readonly adapter?: ProviderAdapter
  } = {},
): Promise<Located & { readonly asked: number }> {
  const { adapter = adapterOf() } = more
  const identified = identify(adapter, document)
  assert.ok(identified.ok)
  let asked = 0
  const ask: Ask = ({ body, target, method }) => {
    assert.equal(`${method} ${target}`, 'POST /api/graphql')
    asked++
    const { variables } = JSON.parse(String(body)) as { variables: Variables }
    return Promise.resolve({ status: more.status ?? 200, json: answer(variables) })
  }
  const located = await adapter.locate(identified.invocations[0] as Invocation, {
    ask,
    fresh: true,
    cacheKey: 'k',
    bound: new Set(more.bound ?? ['environment:staging']),
  })
  return { ...located, asked }
}

const server = '{ server(id: "s1") { id } }'
const home = (id: unknown, environment: unknown) => ({ data: { server: { id, environment } } })

test('a whole answer about the id is where it lives', async () => {
  const { places, unresolved } = await locate(server, () => home('s1', { id: 'staging' }))
  assert.deepEqual([places, unresolved], [['environment:staging'], []])
})

test('anything less is not', async () => {
  for (const [answer, status] of [
    [{ ...home('s1', { id: 'staging' }), errors: [{ message: 'x' }] }],
    [{ ...home('s1', { id: 'staging' }), errors: [] }],
    [home('s1', { id: 'staging' }), 500],
    [home('s1', null)],
    [home('s1', {})],
    [home('s1', { id: null })],
    [home('s1', { id: '' })],
    [home('s1', { id: {} })],
    [home('s1', [{ id: 'staging' }])],
    [home('S1', { id: 'staging' })],
    [home('s2', { id: 'staging' })],
    [home(null, { id: 'staging' })],
    [{ data: { server: null } }],
    [{ data: null }],
    [{ data: [home('s1', { id: 'staging' })] }],
    [{}],
    [[home('s1', { id: 'staging' })]],
    ['text'],
    [undefined],
  ] as const) {
    const located = await locate(server, () => answer, status === undefined ? {} : { status })
    assert.deepEqual(located.places, [], JSON.stringify(answer))
    assert.equal(located.unresolved.length, 1, JSON.stringify(answer))
  }
})

test('a home that is not visible leaves the whole view incomplete', async () => {
  const pause = 'mutation { projectPause(projectId: "pr1") }'
  const project = (environments: unknown) => () => ({
    data: { project: { id: 'pr1', environments } },
  })
  const whole = await locate(pause, project([{ id: 'staging' }, { id: 'prod' }]))
  assert.deepEqual(whole.places, ['environment:staging', 'environment:prod'])
  for (const environments of [
    [],
    [{ id: 'staging' }, null],
    [{ id: 'staging' }, {}],
    null,
    { id: 'staging' },
  ]) {
    const located = await locate(pause, project(environments))
    assert.deepEqual(located.places, [], JSON.stringify(environments))
    assert.equal(located.unresolved[0]?.why, 'view_incomplete')
  }
})

test('a home that is told in pages is told in full, or not at all', async () => {
  const query =
    'query ($id: ID!) { thing(id: $id) { id homes { nodes { id } pageInfo { hasNextPage } } } }'
  const manifest: ImportedManifest = {
    ...depotManifest,
    homes: {
      environment: { is: 'place', form: 'name' },
      thing: {
        is: 'queried',
        query,
        at: 'thing.homes.nodes.*.id',
        of: 'environment',
        same: 'thing.id',
        more: 'thing.homes.pageInfo.hasNextPage',
      },
    },
  }
  const schema = `type Query { thing(id: ID!): Thing } type Thing { id: ID! homes: Homes! }
    type Homes { nodes: [Home!]! pageInfo: PageInfo! } type Home { id: ID! }
    type PageInfo { hasNextPage: Boolean! }`
  const adapter = adapterOf({ schema, manifest, review: { ids: [{ at: 'id', kind: 'thing' }] } })
  const asked = (pageInfo: unknown) =>
    locate(
      '{ thing(id: "t") { id } }',
      () => ({ data: { thing: { id: 't', homes: { nodes: [{ id: 'staging' }], pageInfo } } } }),
      { adapter },
    )
  assert.deepEqual((await asked({ hasNextPage: false })).places, ['environment:staging'])
  for (const pageInfo of [{ hasNextPage: true }, {}, null, { hasNextPage: 'false' }]) {
    const { places, unresolved } = await asked(pageInfo)
    assert.deepEqual([places, unresolved[0]?.why], [[], 'view_incomplete'])
  }
  const without = { ...manifest.homes?.['thing'], more: undefined } as never
  const half = compileDepot({
    schema,
    manifest: { ...manifest, homes: { ...manifest.homes, thing: without } },
  })
  assert.ok(!half.ok && half.pointer === '/manifest/homes/thing/more')
})

test('a container proves nothing of an environment that is none of its own', async () => {
  const pause = 'mutation { projectPause(projectId: "pr1", environmentId: "staging") }'
  const project = (id: string) => () => ({
    data: { project: { id: 'pr1', environments: [{ id }] } },
  })
  assert.deepEqual((await locate(pause, project('staging'))).unresolved, [])
  const foreign = await locate(pause, project('prod'))
  assert.equal(foreign.unresolved[0]?.why, 'outside_container')
})

test('a list is read to its end, or says nothing', async () => {
  const resize = 'mutation { diskResize(diskId: 11, size: 1) { id } }'
  const page = (of: unknown, ids: unknown, pageInfo: unknown) => ({
    data: { environment: { id: of, disks: { nodes: ids, pageInfo } } },
  })
  const end = { hasNextPage: false, endCursor: null }
  const found = await locate(resize, ({ after }) =>
    after === null
      ? page('staging', [{ id: 1 }], { hasNextPage: true, endCursor: 'c' })
      : page('staging', [{ id: 11 }], end),
  )
  assert.deepEqual(found.places, ['environment:staging'])
  for (const answer of [
    page('staging', [{ id: 1 }], end),
    page('prod', [{ id: 11 }], end),
    page('staging', [null, { id: 11 }], end),
    page('staging', [{ id: '11 ' }, { id: 11.5 }, { id: true }], end),
    page('staging', [{ id: 1 }], {}),
    page('staging', [{ id: 1 }], { hasNextPage: true, endCursor: null }),
    page('staging', [{ id: 1 }], { hasNextPage: 'false' }),
    page('staging', null, end),
  ]) {
    const located = await locate(resize, () => answer)
    assert.deepEqual(located.places, [], JSON.stringify(answer))
    assert.equal(located.unresolved.length, 1, JSON.stringify(answer))
  }
  const half = await locate(resize, () => page('staging', [{}, { id: 12 }], end))
  assert.equal(half.unresolved[0]?.why, 'view_incomplete')
  let n = 0
  const endless = await locate(resize, () =>
    page('staging', [{ id: 1 }], { hasNextPage: true, endCursor: String(n++) }),
  )
  assert.equal(endless.unresolved[0]?.why, 'too_many')
  assert.equal(endless.asked, 15)
  const unbound = await locate(resize, () => page('prod', [{ id: 11 }], end), {
    bound: ['project:x'],
  })
  assert.deepEqual([unbound.asked, unbound.unresolved[0]?.why], [0, 'not_found'])
})

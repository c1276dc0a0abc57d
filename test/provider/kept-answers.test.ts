/**
 * A write changes where things live when it is done, not when it is decided on. What a credential was told in between is
 * kept nowhere after it: the next request would be allowed by what is no longer so.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Invocation } from '../../src/core/operation.ts'
import type { Ask, LocateContext, ProviderAdapter } from '../../src/provider/adapter.ts'
import { awsAdapter } from '../../src/provider/aws/adapter.ts'
import { digitaloceanAdapter } from '../../src/provider/digitalocean/adapter.ts'
import { githubAdapter } from '../../src/provider/github/adapter.ts'
import { createGenerations } from '../../src/provider/kept-answers.ts'
import { railwayAdapter } from '../../src/provider/railway/adapter.ts'

function invocation(resource: { kind: string; id: string }, more: Partial<Invocation> = {}) {
  return {
    operation: 'x',
    effects: ['read'],
    added: [],
    scope: 'environment',
    arguments: {},
    resources: [{ ...resource, role: 'target', path: 'id' }],
    widens: [],
    ...more,
  } satisfies Invocation
}

const account =
  '<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111111111111:user/u</Arn><Account>111111111111</Account></GetCallerIdentityResult></GetCallerIdentityResponse>'

/** Each adapter, one thing whose home it asks about, and an answer that it keeps. */
const providers: readonly (readonly [ProviderAdapter, Invocation, unknown, string?])[] = [
  [
    digitaloceanAdapter(),
    invocation({ kind: 'app', id: 'a1' }),
    { app: { id: 'a1', project_id: 'p1' } },
  ],
  [
    githubAdapter(() => 0),
    invocation({ kind: 'node', id: 'R_1' }, { root: 'query' }),
    { data: { nodes: [{ __typename: 'Repository', id: 'R_1', w0: 'acme/app' }] } },
  ],
  [
    railwayAdapter(() => 0),
    invocation({ kind: 'deployment', id: 'd1' }),
    { data: { deployment: { id: 'd1', environmentId: 'e1' } } },
  ],
  [
    awsAdapter(() => 0),
    invocation(
      { kind: 'account', id: 'own' },
      {
        operation: 'sts/GetCallerIdentity',
        resources: [{ kind: 'scope', id: 'sts/eu-west-1', role: 'target', path: '' }],
      },
    ),
    undefined,
    account,
  ],
]
const write = invocation({ kind: 'x', id: 'x' }, { added: ['write'] })
const keys = { cacheKey: 'cred:1', actingKey: 'cred:2' }

for (const [adapter, read, json, text] of providers) {
  const answer = { status: 200, json, ...(text === undefined ? {} : { text }) }
  let asked = 0
  const at = (ask: Ask = async () => Promise.resolve(answer)): LocateContext => ({
    ask: async (question, by) => {
      asked++
      return ask(question, by)
    },
    fresh: false,
    bound: new Set(),
    ...keys,
  })
  const costs = async (context = at()): Promise<number> => {
    const before = asked
    await adapter.locate(read, context)
    return asked - before
  }

  test(`${adapter.name}: what was asked before a write was delivered is not believed after it`, async () => {
    assert.equal(await costs(), 1)
    assert.equal(await costs(), 0)
    adapter.delivered?.([read, write], keys)
    assert.equal(await costs(), 1)
  })

  test(`${adapter.name}: nor is what was asked before, and answered only then`, async () => {
    adapter.delivered?.([write], keys)
    const late = Promise.withResolvers<void>()
    const pending = costs(at(() => late.promise.then(() => answer)))
    adapter.delivered?.([write], keys)
    late.resolve()
    await pending
    assert.equal(await costs(), 1)
  })

  test(`${adapter.name}: a read changes nothing, nor does another credential’s write`, async () => {
    assert.equal(await costs(), 0)
    adapter.delivered?.([{ ...read, added: ['secret'] }], keys)
    adapter.delivered?.([write], { cacheKey: 'cred:3', actingKey: 'cred:3' })
    assert.equal(await costs(), 0)
  })
}

test('a credential that many others came after does not begin anew where it was', () => {
  const generations = createGenerations()
  generations.pass('one')
  const before = generations.of('one')
  for (let i = 0; i < 6_000; i++) generations.pass(`other ${String(i)}`)
  generations.pass('one')
  assert.notEqual(generations.of('one'), before)
})

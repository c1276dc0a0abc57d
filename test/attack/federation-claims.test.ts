/** A token that is genuine and says nearly what a rule asks for: a squatted name, a longer one, another type, nothing at all. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { jobClaims, openFederated } from '../support/federated.ts'
import { entries } from '../support/stage.ts'

test('a token that nearly meets a rule', async (t) => {
  const { broker, granted, rule, exchange } = await openFederated(t)
  const id = { claim: 'repository_id', equals: '123' }
  await rule({
    conditions: [
      id,
      { claim: 'sub', prefix: 'repo:acme/' },
      { claim: 'environment', equals: 'staging' },
      { claim: '/runner/trusted', equals: true },
    ],
  })
  const good = { ...jobClaims, runner: { trusted: true } }

  await t.test('is one that a token which meets it all gets through', async () => {
    assert.equal((await exchange(good)).status, 200)
  })

  const generic = await exchange({ sub: 'somebody else entirely', repository_id: '9' })
  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ['of a repository that took the name over', { repository_id: '999' }],
    ['whose owner’s name only begins like the trusted one', { sub: 'repo:acme-evil/app:ref:x' }],
    ['whose owner’s name is the trusted one in other letters', { sub: 'repo:Acme/app:ref:x' }],
    ['that has the trusted name further in', { sub: 'x/repo:acme/app' }],
    ['with no claim at all where one is asked for', { environment: undefined }],
    ['whose claim is null', { environment: null }],
    ['whose claim is a list with the value in it', { environment: ['staging'] }],
    ['whose claim is an object', { environment: { staging: 'staging' } }],
    ['whose claim is a number that is spelled the same', { repository_id: 123 }],
    ['whose nested claim is a text that is spelled the same', { runner: { trusted: 'true' } }],
    ['that has the nested claim’s path as a name', { runner: undefined, '/runner/trusted': true }],
    ['that has the nested claim’s path with a dot', { runner: undefined, 'runner.trusted': true }],
    ['with a blank behind the value', { environment: 'staging ' }],
    ['with a line’s end behind the value', { environment: 'staging\n' }],
    ['that names the claim in capitals', { environment: undefined, Environment: 'staging' }],
  ]
  for (const [what, claims] of wrong) {
    await t.test(`${what} is refused, like any other`, async () => {
      const { status, body } = await exchange({ ...good, ...claims })
      assert.equal(status, 400)
      assert.deepEqual(body, generic.body, 'and is told nothing of the rule')
    })
  }

  await t.test('and names another agent than its rule’s is refused in the same way', async () => {
    const { agent } = await broker.api<{ agent: { id: string } }>('POST', '/v1/agents', {
      name: 'b',
    })
    for (const client_id of [agent.id, 'ag_nobody', '*'])
      assert.deepEqual((await exchange(good, { client_id })).body, generic.body)
    assert.equal((await exchange(good, { client_id: granted.agentId })).status, 200)
  })

  await t.test(
    'has got no capability, and is counted rather than written down one by one',
    async () => {
      const kept = await entries(broker)
      assert.equal(
        kept.filter(({ kind, result }) => kind === 'issuance' && result === 'issued').length,
        2,
      )
      assert.equal(
        kept.filter(({ kind, result }) => kind === 'issuance' && result === 'refused').length,
        0,
      )
    },
  )
})

test('a rule that anybody could meet by a name cannot be made', async (t) => {
  const { rule } = await openFederated(t)
  for (const conditions of [
    [],
    [{ claim: 'repository', equals: 'acme/app' }],
    [{ claim: 'sub', prefix: 'repo:acme/' }],
    [
      { claim: 'repository_id', equals: '123' },
      { claim: 'sub', prefix: 'repo:acme' },
    ],
    [
      { claim: 'repository_id', equals: '123' },
      { claim: 'sub', prefix: '' },
    ],
    [
      { claim: 'repository_id', equals: '123' },
      { claim: 'sub', prefix: '/' },
    ],
    [{ claim: 'repository_id', prefix: '1/' }],
    [{ claim: '/repository/id', equals: '123' }],
  ])
    await rule({ conditions }, 400)
})

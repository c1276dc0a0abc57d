/**
 * Names at the identity provider: who may call themselves what they like there becomes nobody who is here already, and no
 * name of theirs can be read as another's. Who somebody is, is issuer and subject.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('a name at the identity provider', async (t) => {
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, { identity: provider.settings })
  async function me(subject: string, name: string) {
    provider.people.set(subject, { groups: ['on-call'], name })
    provider.atKeyboard = subject
    const agent = openAgent(broker)
    assert.equal((await agent.signIn()).status, 200)
    const { body } = await agent.send('GET', '/v1/me')
    return { id: String(body['id']), name: String(body['name']), roles: body['roles'] }
  }

  await t.test('that an operator has leads not to them', async () => {
    const impostor = await me('u-1', broker.admin.name)
    assert.match(impostor.name, /^admin-[0-9a-f]{6}$/)
    assert.deepEqual(impostor.roles, ['approver', 'auditor'])
    const { body } = await me('u-1', 'anybody').then((again) => ({ body: again }))
    assert.deepEqual(body, impostor, 'the same person, whatever they are called')
  })

  await t.test('that is an operator’s but for its letters’ case is told apart', async () => {
    assert.match((await me('u-10', broker.admin.name.toUpperCase())).name, /^ADMIN-[0-9a-f]{6}$/)
  })

  await t.test('that two people have is told apart', async () => {
    const [one, two] = [await me('u-2', 'sam@acme.example'), await me('u-3', 'sam@acme.example')]
    assert.notEqual(one.id, two.id)
    assert.deepEqual(
      [one.name, /^sam@acme\.example-[0-9a-f]{6}$/.test(two.name)],
      ['sam@acme.example', true],
    )
  })

  for (const [subject, name, expected] of [
    ['u-4', 'аdmin', 'dmin'],
    ['u-5', 'eve\u202e\n<b>admin', 'eve-b-admin'],
    ['u-6', '  ', 'operator'],
    ['u-7', 'x'.repeat(500), 'x'.repeat(70)],
    ['u-8', '-- drop', 'drop'],
  ] as const)
    await t.test(
      `${JSON.stringify(name.slice(0, 20))} becomes ${expected.slice(0, 20)}`,
      async () => {
        assert.equal((await me(subject, name)).name, expected)
      },
    )

  await t.test('is one operator, in however many browsers they first sign in at once', async () => {
    provider.people.set('u-9', { groups: ['on-call'], name: 'nina' })
    provider.atKeyboard = 'u-9'
    await Promise.all([1, 2, 3].map(() => openAgent(broker).signIn()))
    const { items } = await broker.api<{
      items: { name: string; identity?: { subject: string } }[]
    }>('GET', '/v1/operators')
    const found = items.filter(({ identity }) => identity?.subject === 'u-9')
    assert.deepEqual(
      found.map(({ name }) => name),
      ['nina'],
    )
  })
})

/**
 * Claims at the identity provider that are no name, no subject and no group: whoever may write their own profile there
 * neither breaks the log with it nor becomes somebody who cannot be named here.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('a hostile claim', async (t) => {
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, { identity: provider.settings })
  async function arrive(subject: string, human: { groups: unknown; name: string }) {
    provider.people.set(subject, human as { groups: string[]; name: string })
    provider.atKeyboard = subject
    const agent = openAgent(broker)
    const landed = await agent.signIn()
    return { agent, landed }
  }

  for (const [what, name] of [
    ['NUL', 'eve\u0000'],
    ['half a character', 'eve\ud800'],
    ['another line', 'eve\n{"kind":"admin"}'],
    ['very much', 'e'.repeat(100_000)],
    ['the prototype', '__proto__'],
  ] as const)
    await t.test(`a name with ${what} is one like any other`, async () => {
      const { landed, agent } = await arrive(`u-${what}`.replaceAll(' ', '-'), {
        groups: ['on-call'],
        name,
      })
      assert.equal(landed.status, 200, landed.text)
      assert.equal((await agent.send('GET', '/v1/me')).status, 200)
    })

  for (const [what, subject] of [
    ['300 characters', 's'.repeat(300)],
    ['NUL', 'u\u0000'],
    ['half a character', 'u\ud800'],
    ['another line', 'u\nadmin'],
    ['letters of another script', 'аdmin'],
  ] as const)
    for (const groups of [['on-call'], []])
      await t.test(`a subject of ${what} with ${groups.length} groups is refused`, async () => {
        const { landed } = await arrive(subject, { groups, name: 'x' })
        assert.equal(landed.status, 403, landed.text)
      })
  for (const groups of [
    { 'on-call': true },
    [{ name: 'on-call' }],
    [['on-call']],
    'on-call ',
    ['__proto__', 'constructor'],
    [0, null, true],
  ])
    await t.test(`groups ${JSON.stringify(groups)} give nothing`, async () => {
      const { landed } = await arrive('g', { groups, name: 'x' })
      assert.equal(landed.status, 403, landed.text)
    })
})

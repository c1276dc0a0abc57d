/**
 * Who has got hold of a sign-in by OpenID Connect, or sits at a browser that the identity provider knows: what asks others
 * for their password asks them to show the provider anew who they are, and a provider that did not ask them is not enough.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { openAgent, type Agent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('what asks for a password', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const now = () => Date.now() + clock.ahead
  const broker = await openTestBroker(t, { identity: provider.settings, now })
  provider.people.set('ada', { groups: ['platform'], name: 'ada' })
  provider.atKeyboard = 'ada'
  const agent = openAgent(broker)
  let made = 0
  /** A protected environment is made with the password alone; of it, an unprotected one. */
  const weaken = async (by: Agent, more: object = {}) => {
    made++
    const body = { name: `acme/e${String(made)}`, protected: false, bindings: [], ...more }
    const { status, body: answer } = await by.send('POST', '/v1/environments', body)
    return [status, answer['code']]
  }
  const operator = async (by: Agent, more: object = {}) => {
    made++
    const body = { name: `op ${String(made)}`, roles: ['auditor'], ...more }
    const { status, body: answer } = await by.send('POST', '/v1/operators', body)
    return [status, answer['code']]
  }
  const refused = [403, 'fresh_sign_in_required']

  await t.test(
    'is not done with a sign-in that the provider made out of an older one',
    async () => {
      await agent.signIn()
      // The second goes through without anybody at the keyboard: the provider says when they last showed who they are.
      provider.atKeyboard = 'nobody'
      clock.ahead += 5 * 60_000
      assert.equal((await agent.signIn()).status, 200)
      assert.deepEqual(await operator(agent), refused)
      for (const password of ['', 'x', `${'A'.repeat(43)}.BBBBB-BBBBB`])
        assert.notEqual((await operator(agent, { password }))[0], 201)
      clock.ahead = 0
    },
  )

  await t.test('is done for five minutes after a fresh sign-in, and not longer', async () => {
    provider.atKeyboard = 'ada'
    assert.equal((await agent.signIn('?fresh=yes')).status, 200)
    assert.deepEqual(await operator(agent), [201, undefined])
    assert.notEqual((await weaken(agent))[1], 'fresh_sign_in_required')
    clock.ahead += 5 * 60_000
    assert.deepEqual(await operator(agent), refused)
    clock.ahead = 0
  })

  await t.test('is not done because another browser of theirs is fresh', async () => {
    const stolen = openAgent(broker)
    await stolen.signIn()
    clock.ahead += 5 * 60_000
    const fresh = openAgent(broker)
    await fresh.signIn('?fresh=yes')
    assert.deepEqual(await operator(fresh), [201, undefined])
    assert.deepEqual(await operator(stolen), refused)
    clock.ahead = 0
  })

  await t.test('asks the provider to ask, and believes it only if it did', async () => {
    const other = openAgent(broker)
    await other.signIn()
    const isAuth = (url: string): boolean => url.startsWith(`${provider.issuer}/auth?`)
    const { url } = await other.go('/sign-in/identity-provider?fresh=yes', isAuth)
    const asked = new URL(url)
    assert.deepEqual(
      [asked.searchParams.get('prompt'), asked.searchParams.get('max_age')],
      ['login', '0'],
    )
    // Whoever sits at the browser leaves out what would make the provider ask for a password that they do not have. It
    // knows this browser for a minute by now.
    asked.searchParams.delete('prompt')
    asked.searchParams.delete('max_age')
    provider.atKeyboard = 'nobody'
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 })
    const landed = await other.go(asked.href)
    t.mock.timers.reset()
    assert.equal(landed.status, 403, landed.text)
    assert.equal(new URL(landed.url).origin, testPublicUrl)
  })
})

/** Local passwords switched off: nobody signs in with one, none is computed, and who holds the key-encryption key gets in all the same. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { recoverOperator } from '../../../src/bootstrap.ts'
import { adminPassword, openTestBroker } from '../../support/broker.ts'
import { openAgent } from '../../support/identity-sign-in.ts'
import { openTestProvider } from '../../support/identity-provider.ts'
import { entries } from '../../support/stage.ts'

test('where passwords are switched off', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, {
    identity: provider.settings,
    passwords: 'off',
    now: () => Date.now() + clock.ahead,
  })
  const signIn = (name: string, password = adminPassword, status = 403) =>
    broker.api('POST', '/v1/sign-in', { name, password }, status)

  await t.test('the first operator, whom the keeper made, has two days for one', async () => {
    await signIn(broker.admin.name, adminPassword, 200)
    clock.ahead += 48 * 3_600_000
    const { code } = await signIn(broker.admin.name)
    assert.equal(code, 'passwords_off')
    // Nor does a sign-in with one last longer.
    assert.equal((await broker.api('GET', '/v1/me', undefined, 401))['code'], 'sign_in_required')
  })

  await t.test('none is computed, whoever asks', async (t) => {
    const { passwords } = broker.broker.deps
    const computed: string[] = []
    t.mock.method(passwords, 'verify', (name: string) => {
      computed.push(name)
      return Promise.resolve(false)
    })
    for (const name of [broker.admin.name, 'nobody']) await signIn(name)
    const setup = { name: 'nobody', setup_secret: 'vks_x', password: adminPassword }
    assert.equal((await broker.api('POST', '/v1/setup', setup, 403))['code'], 'passwords_off')
    assert.deepEqual(computed, [])
  })

  await t.test('a person signs in at the provider, and adds nobody by hand', async () => {
    provider.people.set('ada', { groups: ['platform'], name: 'ada' })
    provider.atKeyboard = 'ada'
    const agent = openAgent(broker)
    await agent.signIn('?fresh=yes')
    const added = await agent.send('POST', '/v1/operators', { name: 'sam', roles: ['auditor'] })
    assert.deepEqual([added.status, added.body['code']], [403, 'passwords_off'])
    const page = await agent.go('/operators')
    assert.equal(page.status, 200)
    assert.ok(!page.text.includes('Add one'))
    const door = await openAgent(broker).go('/sign-in')
    assert.match(door.text, /Sign in with Acme/)
    assert.match(door.text, /<details><summary>Recovered by the keeper/)
  })

  await t.test('the keeper recovers an operator, who is no longer the provider’s', async () => {
    const before = openAgent(broker)
    await before.signIn()
    const setupSecret = await recoverOperator(broker.broker.db, 'ada', Date.now() + clock.ahead)
    assert.equal((await before.send('GET', '/v1/me')).status, 401)
    const setup = { name: 'ada', setup_secret: setupSecret, password: adminPassword }
    await broker.api('POST', '/v1/setup', setup)
    await signIn('ada', adminPassword, 200)
    const entry = (await entries(broker)).findLast(({ action }) => action === 'operator.RECOVERED')
    assert.match(String(entry?.['detail']), /no longer at an identity provider/)
    // The person at the provider is another operator from now on.
    await before.signIn()
    assert.match(String((await before.send('GET', '/v1/me')).body['name']), /^ada-[0-9a-f]{6}$/)
    clock.ahead += 48 * 3_600_000
    await signIn('ada')
  })
})

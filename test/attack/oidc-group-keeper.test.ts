/**
 * Whoever keeps the groups at the identity provider makes admins, and gives nobody a passkey (I6): a first one needs the touch
 * of an admin's as soon as one has a passkey, and taking that admin out of their group does not undo it.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { registerPasskey, type Browser } from '../support/browser.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('who keeps the groups', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const now = () => Date.now() + clock.ahead
  const broker = await openTestBroker(t, { identity: provider.settings, now })
  async function person(subject: string, groups: readonly string[]) {
    provider.people.set(subject, { groups, name: subject })
    provider.atKeyboard = subject
    const agent = openAgent(broker)
    assert.equal((await agent.signIn('?fresh=yes')).status, 200)
    const { body } = await agent.send('GET', '/v1/me')
    const send: Browser['send'] = (...args) => agent.send(...args)
    const browser = { send } as Browser
    return { id: String(body['id']), agent, browser }
  }
  const ada = await person('ada', ['platform'])
  await broker.api('POST', `/v1/operators/${ada.id}/allow-passkey`, {
    password: broker.admin.password,
  })
  await registerPasskey(ada.browser)

  const mallory = await person('mallory', ['platform', 'on-call'])
  const allow = async () => {
    const eve = await person('eve', ['platform'])
    return (await eve.agent.send('POST', `/v1/operators/${mallory.id}/allow-passkey`, {})).body
  }

  await t.test('lets nobody be given a first passkey without the touch of an admin', async () => {
    assert.match(String((await allow())['detail']), /needs an admin’s touch/)
  })

  await t.test('nor by taking out of their group who has one', async () => {
    provider.people.set('ada', { groups: ['on-call'], name: 'ada' })
    clock.ahead += 5 * 60_000
    const me = await ada.agent.send('GET', '/v1/me')
    assert.deepEqual(me.body['roles'], ['approver', 'auditor'])
    assert.match(String((await allow())['detail']), /needs an admin’s touch/)
    provider.people.delete('ada')
    clock.ahead += 5 * 60_000
    assert.equal((await ada.agent.send('GET', '/v1/me')).status, 401)
    assert.match(String((await allow())['detail']), /needs an admin’s touch/)
    const { browser } = await person('mallory', ['platform', 'on-call'])
    await assert.rejects(registerPasskey(browser), /permit/)
  })
})

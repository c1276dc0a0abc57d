/**
 * Whoever could add a passkey of their own to an approver could approve in their name from then on. So none is added by
 * what an agent may find on a developer's machine (a bearer, a capability), from another site's page, with the challenge
 * of a registration that somebody else began, or by who knows passwords and has no authenticator.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { openBrowser, registerPasskey, testPublicUrl, touch } from '../support/browser.ts'

const password = adminPassword

test('a passkey is not planted', async (t) => {
  const clock = { ahead: 0 }
  const broker = await openTestBroker(t, { now: () => Date.now() + clock.ahead })
  const replica = await broker.replica()
  const ada = await openBrowser(broker, 'ada', ['approver'])
  const eve = await openBrowser(broker, 'eve', ['approver'])
  const held = async () =>
    ((await ada.send('GET', '/v1/passkeys')).body['items'] as unknown[]).length
  type Begun = { readonly challenge: string; readonly touch: { readonly challenge: string } }
  const begin = async (browser = ada) => {
    const { body } = await browser.send('POST', '/v1/passkeys/options', { password })
    return { ...(body['options'] as object), touch: body['touch'] } as Begun
  }
  const laptop = createAuthenticator({ origin: testPublicUrl })
  const evil = createAuthenticator({ origin: testPublicUrl })

  await t.test('by a bearer, not even with the password', async () => {
    const prepared = await ada.asCli('POST', '/v1/passkeys/options', { password })
    assert.equal(prepared.status, 403)
    assert.equal(prepared.body['options'], undefined)
    // Nor by finishing what its owner has begun in a browser.
    const registration = evil.register(await begin())
    const answer = await ada.asCli('POST', '/v1/passkeys', { name: 'evil', registration })
    assert.equal(answer.status, 403)
    assert.equal(await held(), 0)
  })

  await t.test('with the challenge that another operator was given', async () => {
    const theirs = await begin(eve)
    const alone = { name: 'evil', registration: evil.register(theirs) }
    // With one of her own open, and with none.
    await begin()
    assert.equal((await ada.send('POST', '/v1/passkeys', alone)).status, 403)
    assert.equal((await ada.send('POST', '/v1/passkeys', alone)).status, 409)
    assert.equal(await held(), 0)
  })

  await t.test('twice with one challenge, on two replicas at once', async () => {
    const options = await begin()
    const send = (url: string) => {
      const registration = laptop.register(options)
      return ada.send('POST', '/v1/passkeys', { name: 'key', registration }, url)
    }
    const answers = await Promise.all(
      [broker.url, replica.url, broker.url, replica.url].map((url) => send(url)),
    )
    assert.deepEqual(
      answers.map(({ status }) => status).sort((a, b) => a - b),
      [201, 409, 409, 409],
    )
    assert.equal(await held(), 1)
  })

  await t.test('with a touch that was meant to decide something', async () => {
    const options = await begin()
    const { response } = evil.assert(options)
    const good = evil.register(options)
    const { clientDataJSON } = response
    const registration = { ...good, response: { ...good.response, clientDataJSON } }
    const assertion = laptop.assert(options.touch)
    const answer = await ada.send('POST', '/v1/passkeys', { name: 'evil', registration, assertion })
    assert.equal(answer.status, 403)
    assert.equal(await held(), 1)
  })

  await t.test('over one of another operator, whose credential it names', async () => {
    const { authenticator } = await registerPasskey(eve)
    const options = await begin()
    const registration = authenticator.register(options)
    const assertion = laptop.assert(options.touch)
    const answer = await ada.send('POST', '/v1/passkeys', { name: 'evil', registration, assertion })
    assert.equal(answer.status, 409)
    assert.ok(!JSON.stringify(answer.body).includes(eve.operatorId))
    assert.equal(await held(), 1)
  })

  await t.test('in another operator’s name, which the body has no member for', async () => {
    const options = await begin(eve)
    const registration = evil.register(options)
    for (const member of ['operator', 'operator_id', 'operatorId']) {
      const body = { name: 'evil', registration, [member]: ada.operatorId }
      assert.equal((await eve.send('POST', '/v1/passkeys', body)).status, 400)
    }
    assert.equal(await held(), 1)
  })

  await t.test('with the password and the cookie, beside one that is there', async () => {
    const phone = createAuthenticator({ origin: testPublicUrl })
    const planted = async (assertion: (begun: Begun) => unknown) => {
      const begun = await begin()
      const registration = phone.register(begun)
      const body = { name: 'evil', registration, assertion: assertion(begun) }
      return (await ada.send('POST', '/v1/passkeys', body)).status
    }
    assert.equal(await planted(() => undefined), 403)
    // Touched by the new one itself, over the registration's own challenge, for another act, and by another operator's.
    assert.equal(await planted(({ touch: asked }) => phone.assert(asked)), 403)
    assert.equal(await planted(({ challenge }) => laptop.assert({ challenge })), 403)
    const elsewhere = await touch(ada, laptop, 'passkey.allow', eve.operatorId)
    assert.equal(await planted(() => elsewhere), 403)
    // A good touch, of an earlier registration.
    const earlier = laptop.assert((await begin()).touch)
    assert.equal(await planted(() => earlier), 403)
    assert.equal(await held(), 1)
    assert.equal(await planted(({ touch: asked }) => laptop.assert(asked)), 201)
    assert.equal(await held(), 2)
  })

  await t.test('on who has none, unless another admin has allowed it', async () => {
    const added = await broker.api<{ operator: { id: string }; setup_secret: string }>(
      'POST',
      '/v1/operators',
      { name: 'mel', roles: ['admin', 'approver'], password },
    )
    const { setup_secret } = added
    await broker.api('POST', '/v1/setup', { name: 'mel', setup_secret, password })
    const mel = await openBrowser(broker, 'mel')
    const path = `/v1/operators/${mel.operatorId}/allow-passkey`
    assert.equal((await mel.send('POST', '/v1/passkeys/options', { password })).status, 403)
    // Not by themselves, nor by who is no admin.
    assert.equal((await mel.send('POST', path, { password })).status, 403)
    assert.equal((await ada.send('POST', path, { password })).status, 403)
    await broker.api('POST', path, { password })
    clock.ahead = 24 * 3_600_000
    const late = await openBrowser(broker, 'mel')
    assert.equal((await late.send('POST', '/v1/passkeys/options', { password })).status, 403)
    clock.ahead = 0
    // The permit is for one, and for a day from when it was given; two at once are not two first ones.
    const first = await begin(mel)
    assert.equal(first.touch, undefined)
    await registerPasskey(await openBrowser(broker, 'mel'))
    const second = await mel.send('POST', '/v1/passkeys/options', { password })
    assert.notEqual(second.body['touch'], undefined)
    const registration = evil.register(second.body['options'] as { challenge: string })
    assert.equal((await mel.send('POST', '/v1/passkeys', { name: 'x', registration })).status, 403)
  })

  await t.test(
    'by an admin who was made for it: once one has a passkey, one must touch it',
    async () => {
      const pat = await broker.api<{ operator: { id: string } }>('POST', '/v1/operators', {
        name: 'pat',
        roles: ['approver'],
        password,
      })
      // `mel` has a passkey; the first admin has none, and knows the passwords of both.
      const admin = await openBrowser(broker, broker.admin.name)
      const path = `/v1/operators/${pat.operator.id}/allow-passkey`
      assert.equal((await admin.send('POST', path, { password })).status, 403)
      const theirs = (await admin.send('GET', `/v1/passkeys?operator=${ada.operatorId}`)).body
      const [one] = theirs['items'] as { id: string }[]
      const remove = `/v1/passkeys/${String(one?.id)}/remove`
      assert.equal((await admin.send('POST', remove, { password })).status, 403)
      // Nor does it help to disable whoever has one: this is refused, and would count for nothing.
      const mel = (await openBrowser(broker, 'mel')).operatorId
      const away = { state: 'disabled', password }
      assert.equal((await admin.send('PATCH', `/v1/operators/${mel}`, away)).status, 403)
      await broker.broker.db
        .updateTable('operator')
        .set({ state: 'disabled' })
        .where('name', '=', 'mel')
        .execute()
      assert.equal((await admin.send('POST', path, { password })).status, 403)
    },
  )
})

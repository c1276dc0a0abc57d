/**
 * Whoever has an approver's password and cookie would set up one-time codes of their own, and decide with those. So that
 * takes a touch of a passkey from who has one, and another admin's permit from who has none; and a secret that was made
 * before there was a passkey is not put into force in its shadow.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { adminPassword as password, openTestBroker } from '../support/broker.ts'
import { openBrowser, registerPasskey, touch, type Browser } from '../support/browser.ts'

test('a one-time code is not planted', async (t) => {
  let now = Date.now()
  const broker = await openTestBroker(t, { now: () => now })
  await broker.api('PATCH', '/v1/approval-settings', { one_time_codes: 'on', password })
  const prepare = (by: Browser, assertion?: unknown) =>
    by.send('POST', '/v1/one-time-code', {
      password,
      ...(assertion === undefined ? {} : { assertion }),
    })
  const confirm = async (by: Browser, secret: unknown) => {
    now += 61_000
    const code = await generate({ secret: String(secret), epoch: Math.floor(now / 1000) })
    return (await by.send('POST', '/v1/one-time-code/confirm', { code })).status
  }
  const state = async (by: Browser) => (await by.send('GET', '/v1/one-time-code')).body['state']
  /** Somebody who was added, and allowed nothing. */
  const newcomer = async (name: string): Promise<Browser> => {
    const { setup_secret } = await broker.api<{ setup_secret: string }>('POST', '/v1/operators', {
      name,
      roles: ['approver'],
      password,
    })
    await broker.api('POST', '/v1/setup', { name, setup_secret, password })
    return openBrowser(broker, name)
  }
  const allow = (by: Browser) =>
    broker.api('POST', `/v1/operators/${by.operatorId}/allow-passkey`, { password })

  await t.test('on who has no passkey, without another admin’s permit', async () => {
    const nia = await newcomer('nia')
    assert.equal((await prepare(nia)).status, 403)
    assert.equal(await state(nia), 'none')
    await allow(nia)
    const { body } = await prepare(nia)
    now += 24 * 3_600_000
    const late = await openBrowser(broker, 'nia')
    assert.equal(await confirm(late, body['secret']), 403, 'the permit is over')
    assert.equal(await state(late), 'waiting')
    assert.equal((await prepare(late)).status, 403)
  })

  await t.test('beside the passkey that the permit was for: it is good for one means', async () => {
    const max = await newcomer('max')
    await allow(max)
    assert.equal(await confirm(max, (await prepare(max)).body['secret']), 200)
    assert.equal((await max.send('POST', '/v1/passkeys/options', { password })).status, 403)
    assert.equal(await state(max), 'enrolled')
  })

  await t.test('on who has a passkey, without a touch of it for this', async () => {
    const ada = await openBrowser(broker, 'ada', ['approver'])
    const { id, authenticator } = await registerPasskey(ada)
    assert.equal((await prepare(ada)).status, 403)
    const other = await touch(ada, authenticator, 'passkey.remove', id)
    assert.equal((await prepare(ada, other)).status, 403)
    const theirs = await touch(ada, authenticator, 'one_time_code.enrol', id)
    assert.equal((await prepare(ada, theirs)).status, 403)
    assert.equal(await state(ada), 'none')
    const assertion = await touch(ada, authenticator, 'one_time_code.enrol', ada.operatorId)
    const made = await prepare(ada, assertion)
    assert.equal(made.status, 201)
    assert.equal((await prepare(ada, assertion)).status, 409, 'a touch is for one secret')
    assert.equal(await confirm(ada, made.body['secret']), 200)
  })

  await t.test('with a secret that was made before the passkey was', async () => {
    const eve = await openBrowser(broker, 'eve', ['approver'])
    const { secret } = (await prepare(eve)).body
    await registerPasskey(eve)
    assert.equal(await state(eve), 'none')
    assert.equal(await confirm(eve, secret), 403)
    assert.equal(await state(eve), 'none')
  })

  await t.test('by a bearer', async () => {
    const ned = await openBrowser(broker, 'ned', ['approver'])
    assert.equal((await ned.asCli('POST', '/v1/one-time-code', { password })).status, 403)
    assert.equal(await state(ned), 'none')
  })
})

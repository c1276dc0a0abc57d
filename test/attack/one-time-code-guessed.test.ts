/**
 * Whoever has an approver's cookie guesses their code: a million of them, three good at a time. Two replicas, many
 * requests at once, and a new secret in between must not make more than five guesses a minute of it.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'

const password = adminPassword

test('a one-time code is not guessed', async (t) => {
  let now = Date.now()
  const broker = await openTestBroker(t, { now: () => now })
  const replica = await broker.replica()
  await broker.api('PATCH', '/v1/approval-settings', { one_time_codes: 'on', password })
  const ada = await openBrowser(broker, 'ada', ['approver'])
  const prepare = async () =>
    String((await ada.send('POST', '/v1/one-time-code', { password })).body['secret'])
  let secret = await prepare()
  const codeNow = () => generate({ secret, epoch: Math.floor(now / 1000) })
  const wrong = async () => ((await codeNow()) === '123456' ? '654321' : '123456')
  const confirm = async (code: string, url = broker.url) =>
    (await ada.send('POST', '/v1/one-time-code/confirm', { code }, url)).status

  await t.test('more than five times a minute, over all replicas', async () => {
    const code = await wrong()
    const statuses = await Promise.all(
      Array.from({ length: 16 }, (_, i) => confirm(code, i % 2 === 0 ? broker.url : replica.url)),
    )
    assert.equal(statuses.filter((status) => status === 403).length, 5)
    assert.equal(statuses.filter((status) => status === 429).length, 11)
  })

  await t.test('with a new secret, which is no new minute', async () => {
    secret = await prepare()
    assert.equal(await confirm(await codeNow()), 429)
  })

  await t.test('by what is no code at all, which costs no attempt', async () => {
    now += 60_001
    for (const code of ['', '12345', '1234567', '12345a', '１２３４５６', ' 123456'])
      assert.equal(await confirm(code), 400, code)
    assert.equal(await confirm(await codeNow(), replica.url), 200)
  })
})

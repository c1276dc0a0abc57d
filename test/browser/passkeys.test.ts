/** The page of one's own passkeys and one-time codes in a real browser: what is added, taken away, and asked for it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generate } from 'otplib'
import type { Page } from 'playwright-core'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { getPage, signInCookie } from '../support/console.ts'
import { signInOn } from '../support/sign-in-page.ts'

const on = { one_time_codes: 'on', password: adminPassword }
const off = { ...on, one_time_codes: 'off' }

/** One authenticator plays both devices: it is not told that it has one of this person's already. */
const forgetful = `
  const make = navigator.credentials.create.bind(navigator.credentials)
  navigator.credentials.create = (options) => {
    delete options.publicKey.excludeCredentials
    return make(options)
  }
`

async function register(page: Page, name: string): Promise<void> {
  await page.getByLabel('A name for it').fill(name)
  await page.getByLabel('Your password').fill(adminPassword)
  await page.getByRole('button', { name: 'Register…' }).click()
  await page.locator('.cards').getByText(name, { exact: true }).waitFor()
}

/** The body of the next request to this path. */
async function sentTo(page: Page, path: string): Promise<string> {
  const request = await page.waitForRequest((each) => new URL(each.url()).pathname === path)
  return request.postData() ?? ''
}

test('a person’s own passkeys', { skip: withoutChromium }, async (t) => {
  const broker = await openTestBroker(t)
  const grace = await openBrowser(broker, 'grace', ['approver'])
  const { page, open, complaints } = await openChromium(t, broker)
  await page.addInitScript(forgetful)
  const listed = async () =>
    ((await grace.send('GET', '/v1/passkeys')).body['items'] as { id: string; name: string }[]) ??
    []
  const card = (name: string) => page.locator('.cards > li', { hasText: name })
  const remove = async (name: string, password: string) => {
    await card(name).getByText('Remove it', { exact: true }).click()
    await card(name).getByLabel('Password, to remove it').fill(password)
    await card(name).getByRole('button', { name: 'Remove…' }).click()
  }

  await t.test(
    'are listed with what tells them apart, and that nobody can approve is said',
    async () => {
      await signInOn(page, open, '/passkeys', 'grace')
      await page.getByText('nobody can approve').waitFor()
      await register(page, 'laptop')
      assert.equal(await page.getByText('nobody can approve').count(), 0)
      await page.getByText('It is your only one').waitFor({ state: 'attached' })
      await register(page, 'phone')
      assert.equal(await page.getByText('It is your only one').count(), 0)
      assert.deepEqual(await page.locator('.cards strong').allTextContents(), ['laptop', 'phone'])
    },
  )

  await t.test('are asked for by a name that will do, before any is made', async () => {
    let asked = 0
    page.on('request', (request) => {
      if (request.method() === 'POST') asked++
    })
    const field = page.getByLabel('A name for it')
    await page.getByLabel('Your password').fill(adminPassword)
    for (const name of ['<b>tablet</b>', '-', 'a ', '', 'tablet\u202e']) {
      await field.fill(name)
      await page.getByRole('button', { name: 'Register…' }).click()
      assert.equal(await field.evaluate((input) => input.matches(':invalid')), true, name)
      assert.equal(await field.inputValue(), name)
    }
    assert.equal(asked, 0)
    for (const name of ['a', 'a/b_c.d@e-f g', '0'.repeat(100)]) {
      await field.fill(name)
      assert.equal(await field.evaluate((input) => input.matches(':invalid')), false, name)
    }
  })

  await t.test('what the broker could not read is said, with where it stood', async () => {
    await open('/passkeys')
    await card('phone')
      .locator('form')
      .evaluate((form) => form.setAttribute('data-subject', '<b>'))
    await remove('phone', adminPassword)
    const said = card('phone').getByText('(invalid_request)')
    await said.waitFor()
    assert.match((await said.textContent()) ?? '', /\. Subject .*\. \(invalid_request\)$/)
  })

  await t.test('are not removed without the password', async () => {
    await open('/passkeys')
    await remove('phone', 'wrong horse battery')
    await card('phone').getByText('That is not your password. (password_required)').waitFor()
    assert.equal((await listed()).length, 2)
  })

  await t.test('are not removed without a touch', async () => {
    await open('/passkeys')
    await page.evaluate(`navigator.credentials.get = () =>
      Promise.reject(new DOMException('no', 'NotAllowedError'))`)
    await remove('phone', adminPassword)
    await card('phone').getByText('The passkey was not used, and nothing was done.').waitFor()
    assert.equal((await listed()).length, 2)
  })

  await t.test('a touch for one does not remove another', async () => {
    await open('/passkeys')
    const [laptop] = await listed()
    assert.ok(laptop)
    await card('phone')
      .locator('form')
      .evaluate((form, id) => form.setAttribute('data-act', `/v1/passkeys/${id}/remove`), laptop.id)
    await remove('phone', adminPassword)
    await card('phone').getByText('(forbidden)').waitFor()
    assert.equal((await listed()).length, 2)
  })

  await t.test('are removed with both, down to the last', async () => {
    for (const [name, left] of [
      // The authenticator keeps one passkey of a person, the newer.
      ['laptop', 1],
      ['phone', 0],
    ] as const) {
      await open('/passkeys')
      const found = (await listed()).find((each) => each.name === name)
      const sent = sentTo(page, `/v1/passkeys/${String(found?.id)}/remove`)
      await remove(name, adminPassword)
      assert.ok((await sent).includes('"assertion":{'))
      await card(name).waitFor({ state: 'detached' })
      assert.equal((await listed()).length, left)
    }
    await page.getByText('You have none yet.').waitFor()
    await page.getByText('nobody can approve').waitFor()
    await page.getByText('needs another admin to allow it').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Register…' }).count(), 0)
  })

  await t.test('meet no fault of the page on the way', () => {
    assert.deepEqual(
      complaints.filter((text) => !/status of (400|401|403)/.test(text)),
      [],
    )
  })
})

test('a person’s own one-time codes', { skip: withoutChromium }, async (t) => {
  const broker = await openTestBroker(t)
  const grace = await openBrowser(broker, 'grace', ['approver'])
  const { page, open, complaints } = await openChromium(t, broker)
  const state = async () => (await grace.send('GET', '/v1/one-time-code')).body['state']
  const heading = page.getByRole('heading', { name: 'One-time codes' })
  const setUp = async () => {
    await page.getByLabel('Password, to set them up').fill(adminPassword)
    await page.getByRole('button', { name: /Set up…|Make a new secret…/ }).click()
    await page.getByText('It is shown this once').waitFor()
    return (await page.locator('[data-secret]').textContent()) ?? ''
  }
  const put = async (code: string) => {
    await page.getByLabel('Code that the app shows').fill(code)
    await page.getByRole('button', { name: 'Put into force' }).click()
  }

  await t.test('are not on the page until an admin has switched them on', async () => {
    await signInOn(page, open, '/passkeys', 'grace')
    assert.equal(await heading.count(), 0)
    await register(page, 'laptop')
    await broker.api('PATCH', '/v1/approval-settings', on)
    await open('/passkeys')
    await heading.waitFor()
    await page.getByText('They are not set up.').waitFor()
    assert.equal(await page.getByLabel('Code that the app shows').isVisible(), false)
  })

  await t.test('are not set up without a touch of a passkey', async () => {
    await page.evaluate(`navigator.credentials.get = () =>
      Promise.reject(new DOMException('no', 'NotAllowedError'))`)
    await page.getByLabel('Password, to set them up').fill(adminPassword)
    await page.getByRole('button', { name: 'Set up…' }).click()
    await page.getByText('The passkey was not used, and nothing was done.').waitFor()
    assert.equal(await state(), 'none')
  })

  await t.test('are set up with one, shown once, and in force with the first code', async () => {
    await open('/passkeys')
    const sent = sentTo(page, '/v1/one-time-code')
    const lost = await setUp()
    assert.ok((await sent).includes('"assertion":{'))
    assert.match(lost, /^[A-Z2-7]{32}$/)
    assert.ok((await page.locator('[data-uri]').textContent())?.includes(lost))
    assert.equal(await state(), 'waiting')
    // Whoever did not write it down makes another.
    await open('/passkeys')
    await page.getByText('is not in force').waitFor()
    assert.ok(!(await page.content()).includes(lost))
    const secret = await setUp()
    assert.notEqual(secret, lost)
    const code = await generate({ secret })
    const wrong = code.startsWith('0') ? `1${code.slice(1)}` : `0${code.slice(1)}`
    await put(wrong)
    await page.getByText('(forbidden)').waitFor()
    assert.equal(await page.getByLabel('Code that the app shows').inputValue(), wrong)
    assert.equal(await page.locator('[data-secret]').textContent(), secret)
    await put(await generate({ secret }))
    await page.getByText('They are set up, and in force.').waitFor()
    assert.equal(await state(), 'enrolled')
    assert.ok(!(await page.content()).includes(secret))
  })

  await t.test('that are switched off again are said to be, and can be removed', async () => {
    await broker.api('PATCH', '/v1/approval-settings', off)
    await open('/passkeys')
    await page.getByText('An admin has switched them off').waitFor()
    await page.getByText('Remove them').click()
    await page.getByLabel('Password, to remove the codes').fill('wrong horse battery')
    await page.getByRole('button', { name: 'Remove the codes' }).click()
    await page.getByText('That is not your password. (password_required)').waitFor()
    assert.equal(await state(), 'enrolled')
    await page.getByLabel('Password, to remove the codes').fill(adminPassword)
    await page.getByRole('button', { name: 'Remove the codes' }).click()
    await heading.waitFor({ state: 'detached' })
    assert.equal(await state(), 'none')
  })

  await t.test('are for who has a passkey, or an admin’s permit', async () => {
    await broker.api('PATCH', '/v1/approval-settings', on)
    await openBrowser(broker, 'sam', ['approver'])
    const pageOf = async () =>
      (await getPage(broker, '/passkeys', { cookie: await signInCookie(broker, 'sam') })).text
    assert.match(await pageOf(), /data-code-set-up>/)
    await broker.broker.db.deleteFrom('passkey_permit').execute()
    const text = await pageOf()
    assert.match(text, /They cannot be set up: without a passkey it needs another admin/)
    assert.ok(!text.includes('data-code-set-up'))
  })

  await t.test('meet no fault of the page on the way', () => {
    assert.deepEqual(
      complaints.filter((text) => !/status of (401|403)/.test(text)),
      [],
    )
  })
})

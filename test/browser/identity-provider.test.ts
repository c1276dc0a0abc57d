/** Signing in at the identity provider in a real browser: there and back with a cookie that is `SameSite=Strict`, and out again. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { openTestProvider } from '../support/identity-provider.ts'
import { until } from '../support/until.ts'

test('a person with a browser and an identity provider', { skip: withoutChromium }, async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, {
    identity: provider.settings,
    passwords: 'off',
    now: () => Date.now() + clock.ahead,
  })
  provider.people.set('u-1', { groups: ['platform', 'on-call'], name: 'ada' })
  provider.atKeyboard = 'u-1'
  const { page, open, complaints } = await openChromium(t, broker)
  const shoot = async (name: string): Promise<void> => {
    const folder = process.env['VALETKEY_SCREENSHOTS']
    if (folder === undefined) return
    for (const width of [390, 1200])
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.setViewportSize({ width, height: 844 })
        await page.emulateMedia({ colorScheme })
        await page.screenshot({ path: `${folder}/${name}-${String(width)}-${colorScheme}.png` })
      }
  }
  const pathname = (): string => new URL(page.url()).pathname

  await t.test('signs in with one click, at the page that they came for', async () => {
    await open('/passkeys')
    await page.getByRole('link', { name: 'Sign in with Acme' }).waitFor()
    // The form of whom the keeper recovers is folded away.
    assert.equal(await page.getByLabel('Password').isVisible(), false)
    await shoot('sign-in')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.locator('.who').getByText('ada').waitFor()
    assert.equal(pathname(), '/passkeys')
    const cookies = await page.context().cookies()
    assert.deepEqual(
      cookies
        .filter(({ domain }) => domain === 'localhost')
        .map((each) => [each.name, each.sameSite]),
      [['__Host-valetkey', 'Strict']],
    )
  })

  await t.test('goes back from there to where they were, and not to the answer', async () => {
    await page.goBack()
    await page.locator('.who').waitFor()
    assert.notEqual(pathname(), '/sign-in/callback')
  })

  await t.test('signs in afresh where others give their password', async () => {
    clock.ahead += 5 * 60_000
    await open('/operators')
    const card = page.locator('.cards > li', { hasText: 'admin admin, approver, auditor' })
    await card.locator('summary', { hasText: /^Change$/ }).click()
    assert.equal(await page.locator('input[name=password]').count(), 0)
    await card.getByLabel('State').selectOption('disabled')
    await card.getByRole('button', { name: 'Change…' }).click()
    await card.getByText('fresh_sign_in_required').waitFor()
    await shoot('fresh')
    await card.getByRole('link', { name: 'Sign in afresh' }).click()
    await until('they are back', () => Promise.resolve(pathname() === '/operators' || undefined))
    await card.locator('summary', { hasText: /^Change$/ }).click()
    await card.getByLabel('State').selectOption('disabled')
    await card.getByRole('button', { name: 'Change…' }).click()
    await card.getByText('; disabled').waitFor()
    await shoot('operators')
  })

  await t.test('is shown the code that a command line waits for', async () => {
    await open(`/sign-in/command-line?challenge=${'A'.repeat(43)}&purpose=act`)
    await page.locator('[data-sign-in-code]').waitFor()
    await shoot('code')
  })

  await t.test(
    'comes to the pages from the bare address, as an admin to operators too',
    async () => {
      await open('/')
      await page.getByRole('link', { name: 'Operators' }).click()
      assert.equal(pathname(), '/operators')
    },
  )

  await t.test('gets past somebody who has no role and is still signed in there', async () => {
    await page.context().clearCookies()
    provider.people.set('u-2', { groups: ['nobody'], name: 'sam' })
    provider.atKeyboard = 'u-2'
    await open('/approvals')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.getByText('None of your groups at the identity provider gives you a role').waitFor()
    await shoot('refused')
    provider.atKeyboard = 'u-1'
    await open('/approvals')
    await page.getByRole('link', { name: 'Sign in with Acme' }).click()
    await page.getByRole('link', { name: 'Sign in as somebody else' }).click()
    await page.locator('.who').getByText('ada').waitFor()
  })

  await t.test('is out at the first look after five minutes, once they were let go', async () => {
    await open('/approvals')
    await page.locator('.who').waitFor()
    provider.people.delete('u-1')
    clock.ahead += 5 * 60_000
    await open('/approvals')
    await page.getByRole('link', { name: 'Sign in with Acme' }).waitFor()
    assert.equal(await page.locator('.who').count(), 0)
  })

  await t.test('meets no fault of the pages on the way', () => {
    assert.deepEqual(
      complaints.filter((text) => !/status of 40[13]/.test(text)),
      [],
    )
  })
})

/** Access for a time, and roles, in a real browser: what is chosen on the page is what the passkey signs. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openAsking } from '../support/asking.ts'
import { adminPassword } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { signInOn } from '../support/sign-in-page.ts'

test('with a passkey in a browser', { skip: withoutChromium }, async (t) => {
  const { broker, granted, approver, asked, owners } = await openAsking(t)
  const { page, open, complaints } = await openChromium(t, broker)
  const registerOne = async (name: string) => {
    await signInOn(page, open, '/passkeys', name)
    await page.getByLabel('A name for it').fill('laptop')
    await page.getByLabel('Your password').fill(adminPassword)
    await page.getByRole('button', { name: 'Register…' }).click()
    await page.locator('.cards').getByText('laptop', { exact: true }).waitFor()
  }

  await t.test('an approver grants some of what an agent asked for', async () => {
    const grace = await openBrowser(broker, 'grace', ['approver'])
    await owners(approver, grace)
    const verbs = ['environmentRename', 'environmentDelete', 'volume*']
    const id = await asked({ verbs, reason: 'let me <b>in</b>' })
    await registerOne('grace')
    await open(`/access-requests/${id}`)
    assert.match(String(await page.locator('blockquote').textContent()), /let me <b>in<\/b>/)
    await page.locator('input[value=environmentDelete]').uncheck()
    await page.getByLabel('For how many seconds').fill('120')
    await page.getByLabel('Your password').fill(adminPassword)
    await page.getByRole('button', { name: 'Grant…' }).click()
    await page.getByText('and is granted').waitFor()
    const { body } = await approver.send('GET', `/v1/access-requests/${id}`)
    const given = body['granted'] as { verbs: string[]; proof: string }
    assert.deepEqual([given.verbs, given.proof], [['environmentRename', 'volume*'], 'passkey'])
    assert.equal(granted.agentId, body['agent'])
    assert.equal(await page.locator('form[data-give]').count(), 0)
  })

  await t.test('and denies all of it another time', async () => {
    const id = await asked({ verbs: ['environmentDelete'] })
    await open(`/access-requests/${id}`)
    await page.getByRole('button', { name: 'Deny all of it' }).click()
    await page.getByText('and is denied').waitFor()
  })

  await t.test('an admin gives a role, adds somebody, and is asked for a touch', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Name').waitFor()
    await registerOne(broker.admin.name)
    await open('/operators')
    const card = page.locator('.cards > li', { hasText: 'grace' })
    await card.getByText('Change', { exact: true }).click()
    const form = card.locator('form[data-method=PATCH]')
    await form.getByLabel('auditor').check()
    await form.getByLabel('Your password').fill(adminPassword)
    await form.getByRole('button', { name: 'Change…' }).click()
    await card.getByText('approver, auditor; active').waitFor()
    const add = page.locator('form[data-operator="/v1/operators"]')
    await add.getByLabel('Name').fill('sam')
    await add.getByLabel('approver').check()
    await add.getByLabel('Your password').fill(adminPassword)
    await add.getByRole('button', { name: 'Add…' }).click()
    await page.getByText('Setup secret, shown this once').waitFor()
  })
  // Nobody is signed in at first, which the browser says of each page.
  assert.deepEqual(
    complaints.filter((each) => !each.includes('401')),
    [],
  )
})

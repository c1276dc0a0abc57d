/** The page in a real browser, with a virtual passkey: what a person does from a link in a message to the decision. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { readApproval } from '../../src/approval/store.ts'
import { adminPassword } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { parkOn } from '../support/parked-approval.ts'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

test('a person with a browser and a passkey', { skip: withoutChromium }, async (t) => {
  const { broker, granted } = await openStage(t)
  const { db } = broker.broker
  const grace = await openBrowser(broker, 'grace', ['approver'])
  await broker.api('PATCH', `/v1/environments/${granted.environmentId}`, {
    owners: [grace.operatorId],
    password: adminPassword,
  })
  const { page, open, complaints } = await openChromium(t, broker)
  const approval = await parkOn(broker, granted, {
    reason: 'staging cleanup </script><script>alert(1)</script>',
  })
  const shoot = async (name: string): Promise<void> => {
    const folder = process.env['VALETKEY_SCREENSHOTS']
    if (folder !== undefined)
      await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
  }

  await t.test('signs in at the address of the approval, and is shown it', async () => {
    await open(`/approvals/${approval.id}`)
    await shoot('sign-in')
    await page.getByLabel('Name').fill('grace')
    await page.getByLabel('Password').fill(adminPassword)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('If this is approved, this happens').waitFor()
    assert.match(
      (await page.locator('h1').textContent()) ?? '',
      /volumeDelete of the volume "pgdata"/,
    )
    assert.equal(new URL(page.url()).pathname, `/approvals/${approval.id}`)
  })

  await t.test('registers a passkey, as the page says', async () => {
    await page.getByRole('link', { name: 'register one' }).click()
    await page.getByLabel('A name for it').fill('laptop')
    await page.getByLabel('Your password').fill(adminPassword)
    await page.getByRole('button', { name: 'Register…' }).click()
    await page.locator('.cards').getByText('laptop').waitFor()
    await shoot('passkeys')
  })

  await t.test('adds a second one with a touch of the first', async () => {
    // One authenticator plays both devices: it is not told that it has one of this person's already.
    await page.addInitScript(`
      const make = navigator.credentials.create.bind(navigator.credentials)
      navigator.credentials.create = (options) => {
        delete options.publicKey.excludeCredentials
        return make(options)
      }
    `)
    await open('/passkeys')
    await page.getByText('with a touch of one that you have').waitFor()
    await page.getByLabel('A name for it').fill('phone')
    await page.getByLabel('Your password').fill(adminPassword)
    const sent = page.waitForRequest(
      (request) => new URL(request.url()).pathname === '/v1/passkeys',
    )
    await page.getByRole('button', { name: 'Register…' }).click()
    assert.ok((await sent).postData()?.includes('"assertion":{'))
    await page.locator('.cards').getByText('phone').waitFor()
  })

  await t.test('finds it in the list, where no button has the focus, and approves it', async () => {
    await page.getByRole('link', { name: 'Approvals' }).click()
    await page.getByRole('heading', { name: 'Waits for you' }).waitFor()
    await shoot('list')
    await page.getByRole('link', { name: 'volumeDelete' }).click()
    await page.getByRole('button', { name: 'Approve…' }).waitFor()
    await shoot('approval')
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'BODY')
    await page.getByRole('button', { name: 'Approve…' }).click()
    await page.getByText('It has not been sent yet').waitFor()
    await shoot('approved')
    const stored = await readApproval(db, approval.id)
    assert.equal(stored?.state, 'approved')
    assert.equal(stored.decisions.length, 1)
  })

  await t.test('stops it again before it is sent', async () => {
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.getByText('Cancelled by grace').waitFor()
    assert.equal((await readApproval(db, approval.id))?.state, 'cancelled')
  })

  await t.test('denies another, with the passkey too', async () => {
    const { id } = await parkOn(broker, granted)
    await open(`/approvals/${id}`)
    await page.getByRole('button', { name: 'Deny…' }).click()
    await page.getByText('Denied by grace').waitFor()
    await shoot('denied')
    assert.equal((await readApproval(db, id))?.state, 'denied')
  })

  await t.test('is asked for no signature over anything but what the page shows', async () => {
    const [shown, other] = [await parkOn(broker, granted), await parkOn(broker, granted)]
    await open(`/approvals/${shown.id}`)
    await page.locator('article').evaluate((element, id) => {
      element.setAttribute('data-approval', id)
    }, other.id)
    await page.getByRole('button', { name: 'Approve…' }).click()
    await page.getByText('This is not what the page shows any more').waitFor()
    for (const { id } of [shown, other])
      assert.equal((await readApproval(db, id))?.state, 'pending')
  })

  await t.test('is shown what somebody else decided meanwhile', async () => {
    const other = await parkOn(broker, granted, { holdSeconds: 600 })
    await open(`/approvals/${other.id}`)
    await page.getByRole('button', { name: 'Approve…' }).waitFor()
    await broker.api('POST', `/v1/approvals/${other.id}/cancel`, { reason: 'no' })
    await page.getByText(`Cancelled by ${broker.admin.name}`).waitFor()
  })

  await t.test('freezes the agent from the page', async () => {
    const { id } = await parkOn(broker, granted)
    await open(`/approvals/${id}`)
    await page.getByText('Something is wrong with this agent').click()
    await page.getByRole('button', { name: 'Freeze the agent' }).click()
    const { items } = await until('it is frozen', async () => {
      const found = await broker.api<{ items: { scope: string; subject: string }[] }>(
        'GET',
        '/v1/freezes',
      )
      return found.items.length > 0 ? found : undefined
    })
    assert.deepEqual(
      items.map(({ scope, subject }) => [scope, subject]),
      [['agent', granted.agentId]],
    )
  })

  await t.test('meets no fault of the page on the way: nothing was blocked, nothing threw', () => {
    // A browser logs each answer that is no 2xx: here the one that led to the form, and the look for a sign-in.
    assert.deepEqual(
      complaints.filter((text) => !text.includes('status of 401')),
      [],
    )
  })
})

/** The page of break-glasses in a real browser: what a second admin reads, confirms with a passkey, and ends. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { openGlass } from '../support/broken-glass.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { signInOn } from '../support/sign-in-page.ts'

test('a second admin with a browser and a passkey', { skip: withoutChromium }, async (t) => {
  const glass = await openGlass(t)
  const { broker, granted, ann, bob } = glass
  const { page, open, complaints } = await openChromium(t, broker)
  const stateOf = async (id: string) => {
    const { items } = (await ann.send('GET', '/v1/break-glass')).body as {
      items: { id: string; state: string }[]
    }
    return items.find((item) => item.id === id)?.state
  }
  const card = (id: string) => page.locator('.cards > li', { hasText: id })
  const confirm = (id: string) => card(id).getByRole('button', { name: 'Confirm…' })

  await t.test('signs in on the page, and reads what would go unasked', async () => {
    const id = await glass.asked({ grant: granted.grantId, reason: 'the disk is full', minutes: 7 })
    await signInOn(page, open, '/break-glass', 'bob')
    const text = (await card(id).textContent()) ?? ''
    for (const part of [
      /Every request of the agent "agent \d+" under one grant/,
      /Environmentpocketos\/staging/,
      /"the disk is full"/,
      /Asked byadmin,/,
      /7 min from when it is confirmed/,
      /with nobody asked about any of them/,
    ])
      assert.match(text, part)
    assert.ok(text.includes(granted.grantId))
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'BODY')
  })

  await t.test('confirms with the password, as long as no admin has a passkey', async () => {
    const id = await glass.asked({ environment: granted.environmentId })
    await open('/break-glass')
    await card(id).getByText('Every request in pocketos/staging, of every agent').waitFor()
    assert.equal(await card(id).getByText('passkey').count(), 0)
    await card(id).getByLabel('Your password').fill(adminPassword)
    await confirm(id).click()
    await card(id).getByRole('button', { name: 'End it now' }).waitFor()
    assert.equal(await stateOf(id), 'in_force')
    assert.equal((await glass.request()).status, 200)
  })

  await t.test('ends what is in force, and reads who did', async () => {
    const [inForce] = await page.locator('.cards > .in_force code').allTextContents()
    assert.ok(inForce)
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('None is in force.').waitFor()
    assert.match((await card(inForce).textContent()) ?? '', /Ended bybob/)
    assert.equal(await stateOf(inForce), 'ended')
    assert.equal((await glass.request()).status, 403)
  })

  await t.test('confirms another with a touch, once they have a passkey', async () => {
    await open('/passkeys')
    await page.getByLabel('A name for it').fill('laptop')
    await page.getByLabel('Your password').fill(adminPassword)
    await page.getByRole('button', { name: 'Register…' }).click()
    await page.locator('.cards').getByText('laptop').waitFor()
    const id = await glass.asked({ grant: granted.grantId, minutes: 3 })
    await open('/break-glass')
    await card(id).getByText('It asks for your passkey').waitFor()
    await card(id).getByLabel('Your password').fill(adminPassword)
    const sent = page.waitForRequest((request) => request.url().endsWith(`/${id}/confirm`))
    await confirm(id).click()
    assert.ok((await sent).postData()?.includes('"assertion":{'))
    await card(id).getByText('Confirmed by').waitFor()
    assert.equal(await stateOf(id), 'in_force')
    await card(id).getByRole('button', { name: 'End it now' }).click()
    await page.getByText('None is in force.').waitFor()
  })

  await t.test('is told by name what is wrong, and keeps what was typed', async () => {
    const id = await glass.asked()
    await open('/break-glass')
    const password = card(id).getByLabel('Your password')
    await password.fill('wrong horse battery')
    await confirm(id).click()
    await card(id).getByText('That is not your password. (password_required)').waitFor()
    assert.equal(await password.inputValue(), 'wrong horse battery')
    assert.equal(await stateOf(id), 'asked')
    // Ended by somebody else meanwhile.
    await glass.end(ann, id)
    await password.fill(adminPassword)
    await confirm(id).click()
    await card(id)
      .getByText('confirmed or ended before, or asked for too long ago. (conflict)')
      .waitFor()
    assert.equal(await password.inputValue(), adminPassword)
  })

  await t.test(
    'is shown what happens meanwhile, unless that would lose what is typed',
    async () => {
      await page.clock.install()
      const id = await glass.asked()
      await open('/break-glass')
      await card(id).getByLabel('Your password').fill('half a passw')
      await glass.end(ann, id)
      const loads: string[] = []
      page.on('framenavigated', (frame) => loads.push(frame.url()))
      await page.clock.fastForward(60_000)
      assert.equal(await card(id).getByLabel('Your password').inputValue(), 'half a passw')
      assert.deepEqual(loads, [])
      await card(id).getByLabel('Your password').fill('')
      await page.clock.fastForward(16_000)
      await card(id).getByText('Ended by').waitFor()
      assert.equal(loads.length, 1)
      await page.clock.resume()
    },
  )

  await t.test('does nothing where the passkey is not touched', async () => {
    const id = await glass.asked()
    await open('/break-glass')
    await page.evaluate(`navigator.credentials.get = () =>
      Promise.reject(new DOMException('no', 'NotAllowedError'))`)
    await card(id).getByLabel('Your password').fill(adminPassword)
    await confirm(id).click()
    await card(id).getByText('The passkey was not used, and nothing was done.').waitFor()
    assert.equal(await stateOf(id), 'asked')
  })

  await t.test('cannot have a touch for one counted for another', async () => {
    const [shown, other] = [await glass.asked(), await glass.asked()]
    await open('/break-glass')
    await card(shown)
      .locator('form[data-touch]')
      .evaluate((form, id) => {
        form.setAttribute('data-act', `/v1/break-glass/${id}/confirm`)
      }, other)
    await card(shown).getByLabel('Your password').fill(adminPassword)
    await confirm(shown).click()
    await card(shown).getByText('(forbidden)').waitFor()
    for (const id of [shown, other]) assert.equal(await stateOf(id), 'asked')
  })

  await t.test('turns down what another asked for, and cannot confirm their own', async () => {
    const id = await glass.asked()
    const { body } = await glass.ask(bob)
    const own = String(body['id'])
    await open('/break-glass')
    assert.match((await card(own).textContent()) ?? '', /You cannot confirm it: you asked for it/)
    assert.equal(await confirm(own).count(), 0)
    await card(id).getByRole('button', { name: 'Turn it down' }).click()
    await card(id).getByText('Ended by').waitFor()
    await card(own).getByRole('button', { name: 'Take it back' }).click()
    await card(own).getByText('Ended by').waitFor()
    for (const each of [id, own]) assert.equal(await stateOf(each), 'ended')
  })

  await t.test('meets no fault of the page on the way', () => {
    // A browser logs each answer that is no 2xx.
    assert.deepEqual(
      complaints.filter((text) => !/status of (401|403|409)/.test(text)),
      [],
    )
  })
})

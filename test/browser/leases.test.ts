/** The page of native credentials in a real browser: what could not be revoked is read first, and tried again. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { testPublicUrl } from '../support/browser.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { askLease, endOwn, openLeaseWorld, shownLease } from '../support/lease.ts'
import { signInOn } from '../support/sign-in-page.ts'
import { until } from '../support/until.ts'

test('an operator with a browser', { skip: withoutChromium }, async (t) => {
  const world = await openLeaseWorld(t, { publicUrl: testPublicUrl })
  const { broker, fickle } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  fickle.meddle(({ method }) => (method === 'DELETE' ? { status: 503 } : undefined))
  const failing = String((await askLease(broker.url, token)).json['id'])
  const live = String((await askLease(broker.url, token)).json['id'])
  await endOwn(broker.url, token, failing)
  const state = async (id: string, wanted: string) =>
    until(`it is ${wanted}`, async () =>
      (await shownLease(broker, id)).state === wanted ? true : undefined,
    )
  await state(failing, 'could_not_revoke')
  const { page, open, complaints } = await openChromium(t, broker)
  const card = (id: string) => page.locator('.cards > li', { hasText: id })

  await signInOn(page, open, '/approvals', broker.admin.name)
  await page.getByRole('link', { name: 'see which' }).click()
  const first = (await page.locator('.cards > li').first().textContent()) ?? ''
  assert.ok(first.includes(failing), 'what failed comes first')
  assert.match(first, /could not revoke/)
  assert.match(first, /Failing since/)
  await page.setViewportSize({ width: 390, height: 844 })
  const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  assert.equal(overflow, false, 'nothing is cut off on a phone')

  fickle.meddle(undefined)
  await card(failing).getByRole('button', { name: 'Try again now' }).click()
  await state(failing, 'revoked')
  await card(failing).getByText('could not revoke').waitFor({ state: 'detached' })
  await open('/leases')
  await card(live).getByRole('button', { name: 'Revoke it now' }).click()
  await state(live, 'revoked')
  // Who has not signed in is told so, and who asks for what the broker has just done by itself.
  assert.deepEqual(
    complaints.filter((each) => !/40[19]/.test(each)),
    [],
  )
})

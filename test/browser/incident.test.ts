/**
 * The incident, from end to end: the request that deletes a production volume with all its backups, as an HTTP client
 * sends it that knows nothing of approvals; the page, in a real browser, on which a person sees what would be lost; their
 * passkey; and exactly this request, once.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { openChromium, withoutChromium } from '../support/chromium.ts'
import { approvalOf, idOf, keepVolume, removal, removalsIn } from '../support/gated.ts'
import { worldWithBackups } from '../support/railway-backups.ts'
import { startRailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds } from '../support/railway-world.ts'
import { signInOn } from '../support/sign-in-page.ts'
import { grantOn, railway } from '../support/world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const volume = railwayIds.volumeProduction

test(
  'the deletion of a production volume waits for a passkey, and goes out once',
  {
    skip: withoutChromium,
  },
  async (t) => {
    const standIn = await startRailwayStandIn(worldWithBackups(), {
      token: { kind: 'account', value: secret },
    })
    t.after(() => standIn.close())
    const broker = await openTestBroker(t, { upstreams: { railway: standIn.origin } })
    const granted = await grantOn(broker, {
      provider: 'railway',
      environment: 'pocketos/production',
      protected: true,
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.production }],
      secret,
      grant: { verbs: ['read', 'volumeDelete'] },
    })
    const grace = await openBrowser(broker, 'grace', ['approver'])
    await broker.api('PATCH', `/v1/environments/${granted.environmentId}`, {
      owners: [grace.operatorId],
      password: adminPassword,
    })
    const capability = await granted.token()
    /** The same bytes and the same headers, each time. */
    const send = () => railway(broker.url, capability, removal(volume))
    const deletions = () => removalsIn(standIn, volume)
    const there = () => standIn.world.volumes.has(volume)

    const refused = await send()
    assert.deepEqual(
      [refused.status, refused.json['code']],
      [403, 'approval_required'],
      refused.text,
    )
    assert.deepEqual([deletions(), there()], [0, true])

    const { page, open } = await openChromium(t, broker)
    await signInOn(page, open, '/passkeys', 'grace')
    await page.getByLabel('A name for it').fill('laptop')
    await page.getByLabel('Your password').fill(adminPassword)
    await page.getByRole('button', { name: 'Register…' }).click()
    await page.locator('.cards').getByText('laptop').waitFor()

    // As it stands in the refusal: an agent has no other way to say where a person decides.
    await open(new URL(String(approvalOf(refused)['page'])).pathname)
    await page.getByRole('button', { name: 'Approve…' }).waitFor()
    const heading = (await page.locator('h1').textContent()) ?? ''
    assert.match(heading, /volumeDelete of the volume "production-data"/)
    assert.match(heading, /in pocketos\/production \(protected\): write, destructive/)
    const facts = (await page.locator('h2:text("What will be lost") + dl').textContent()) ?? ''
    for (const lost of [
      /deleted with its data; 41\.3 GB used of 50 GB; mounted by "api"/,
      /Backups that die with "production-data" in "production"3; the newest is "Wednesday"/,
      /Newest backup of "production-data" that would survivenone/,
    ])
      assert.match(facts, lost)
    await page.getByRole('button', { name: 'Approve…' }).click()
    await page.getByText('Approved by grace').waitFor()
    assert.deepEqual([deletions(), there()], [0, true], 'the yes sends nothing by itself')

    // The yes is for this request: the same under another name is another one.
    const renamed = removal(volume).replace('volumeDelete', 'again: volumeDelete')
    const other = await railway(broker.url, capability, renamed)
    assert.deepEqual([other.status, other.json['code']], [403, 'approval_required'], other.text)
    assert.deepEqual([deletions(), there()], [0, true])

    const bringBack = keepVolume(standIn.world, volume)
    const sent = await send()
    assert.deepEqual([sent.status, sent.json], [200, { data: { volumeDelete: true } }], sent.text)
    assert.deepEqual([deletions(), there()], [1, false])
    const received = standIn.log.find(({ body }) => body.includes('volumeDelete'))
    assert.ok(received)
    const headers = received.rawHeaders.map((text) => text.toLowerCase())
    assert.equal(received.rawHeaders[headers.indexOf('authorization') + 1], `Bearer ${secret}`)
    assert.ok(!JSON.stringify(received).includes(capability), 'and nothing of the capability')
    assert.ok(!sent.text.includes(secret))

    // A third time it does not: neither while the volume is gone, nor, without another yes, where somebody brought it back.
    assert.equal((await send()).status, 403)
    bringBack()
    const again = await send()
    assert.deepEqual([again.status, again.json['code']], [403, 'approval_required'], again.text)
    assert.notEqual(idOf(again), idOf(refused))
    assert.deepEqual([deletions(), there()], [1, true])
  },
)

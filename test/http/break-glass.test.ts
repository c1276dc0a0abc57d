import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { openBrowser, registerPasskey, touch } from '../support/browser.ts'
import { openGlass } from '../support/broken-glass.ts'
import { entries } from '../support/stage.ts'

const password = adminPassword

test('a break-glass over REST', async (t) => {
  const glass = await openGlass(t)
  const { broker, granted, upstream, ann, bob, clock } = glass
  const replica = await broker.replica()
  const last = async (match: Record<string, unknown>) =>
    (await entries(broker)).findLast((entry) =>
      Object.entries(match).every(([key, value]) => entry[key] === value),
    )

  await t.test('changes nothing while it is only asked for', async () => {
    const id = await glass.asked({ grant: granted.grantId, minutes: 10 })
    assert.equal((await glass.request()).status, 403)
    const asked = await last({ action: 'break_glass.ask' })
    assert.equal(asked?.['subject'], id)
    assert.equal(asked['result'], 'done')
    const { items } = (await bob.send('GET', '/v1/break-glass')).body as {
      items: Record<string, unknown>[]
    }
    assert.equal(items[0]?.['state'], 'asked')
    assert.equal(items[0]['minutes'], 10)
    assert.equal((await glass.end(ann, id)).body['state'], 'ended')
    assert.equal((await glass.confirm(bob, id)).status, 409)
  })

  await t.test('lets through what would need an approval, on every replica, marked', async (t) => {
    assert.equal((await glass.request()).json['code'], 'approval_required')
    const parked = await last({ kind: 'approval' })
    assert.equal(parked?.['result'], 'pending')
    const id = await glass.asked({ grant: granted.grantId, minutes: 10 })
    const confirmed = await glass.confirm(bob, id)
    assert.equal(confirmed.status, 200, JSON.stringify(confirmed.body))
    assert.equal(confirmed.body['state'], 'in_force')
    const lasts =
      Date.parse(String(confirmed.body['ends_at'])) -
      Date.parse(String(confirmed.body['confirmed_at']))
    assert.equal(lasts, 600_000)
    const entry = await last({ action: 'break_glass.confirm' })
    assert.deepEqual(
      [
        (entry?.['change'] as Record<string, unknown> | undefined)?.['asked_by'],
        entry?.['subject'],
      ],
      [ann.operatorId, id],
    )
    // What waited is stopped: approved later, it would go a second time.
    assert.equal((await last({ kind: 'approval' }))?.['result'], 'cancelled')

    await replica.broker.deps.feed.refresh()
    upstream.received.length = 0
    for (const url of [broker.url, replica.url]) {
      assert.equal((await glass.request(url)).status, 200)
      const decision = await last({ kind: 'decision', result: 'allow' })
      assert.equal(decision?.['breakGlassId'], id)
      assert.equal(decision['reason'], 'break_glass')
      assert.deepEqual(decision['about'], ['every request under this grant needs an approval'])
    }
    assert.equal(glass.arrived().length, 2)

    await t.test('but not what is frozen, nor beyond the verbs of the capability', async () => {
      const frozen = await broker.api<{ id: string }>('POST', '/v1/freezes', {
        scope: 'agent',
        subject: granted.agentId,
        reason: 'a test',
      })
      assert.equal((await glass.request()).json['code'], 'frozen')
      await broker.api('POST', `/v1/freezes/${frozen.id}/lift`, { password })
      assert.equal((await glass.request()).status, 200)
    })

    await t.test('until anyone with the role ends it, by a bearer too', async () => {
      const carol = await openBrowser(broker, 'carol', ['approver'])
      const path = `/v1/break-glass/${id}/end`
      const eve = await openBrowser(broker, 'eve', ['auditor'])
      assert.equal((await eve.send('POST', path, {})).status, 403)
      assert.equal((await carol.asCli('POST', path, {})).status, 200)
      assert.equal((await glass.request()).json['code'], 'approval_required')
      assert.equal((await carol.asCli('POST', path, {})).status, 404)
      assert.equal((await last({ action: 'break_glass.end', result: 'done' }))?.['subject'], id)
    })
  })

  await t.test('for an environment is for every grant in it, and for no other', async () => {
    const id = await glass.asked({ environment: granted.environmentId })
    assert.equal((await glass.confirm(bob, id)).status, 200)
    assert.equal((await glass.request()).status, 200)
    await glass.end(bob, id)
    const other = await broker.api<{ id: string }>('POST', '/v1/environments', {
      name: 'other/one',
      protected: false,
      bindings: [],
    })
    const elsewhere = await glass.asked({ environment: other.id })
    assert.equal((await glass.confirm(bob, elsewhere)).status, 200)
    assert.equal((await glass.request()).status, 403)
  })

  await t.test('is over when its time is, without anybody ending it', async () => {
    const id = await glass.asked({ grant: granted.grantId, minutes: 1 })
    assert.equal((await glass.confirm(bob, id)).status, 200)
    clock.ahead = 59
    assert.equal((await glass.request()).status, 200)
    clock.ahead = 61
    assert.equal((await glass.request()).status, 403)
    const { items } = (await bob.send('GET', '/v1/break-glass')).body as {
      items: { id: string; state: string }[]
    }
    assert.equal(items.find((item) => item.id === id)?.state, 'over')
    clock.ahead = 0
    await glass.end(bob, id)
  })

  await t.test('is for a grant or for an environment, and for one that is there', async () => {
    const both = { grant: granted.grantId, environment: granted.environmentId }
    assert.equal((await glass.ask(ann, both)).status, 400)
    assert.equal((await glass.ask(ann, {})).status, 400)
    assert.equal((await glass.ask(ann, { grant: `gr_${'0'.repeat(26)}` })).status, 404)
    assert.equal((await glass.ask(ann, { environment: `env_${'0'.repeat(26)}` })).status, 404)
    assert.equal((await glass.ask(ann, { grant: granted.grantId, reason: '' })).status, 400)
    const wrong = { grant: granted.grantId, password: 'wrong horse battery' }
    assert.equal((await glass.ask(ann, wrong)).status, 403)
  })

  await t.test('is confirmed with a touch, once an admin has a passkey', async () => {
    const { authenticator } = await registerPasskey(bob)
    const id = await glass.asked()
    assert.equal((await glass.confirm(bob, id)).status, 403)
    const other = await touch(bob, authenticator, 'break_glass.confirm', await glass.asked())
    assert.equal((await glass.confirm(bob, id, undefined, { assertion: other })).status, 403)
    const assertion = await touch(bob, authenticator, 'break_glass.confirm', id)
    assert.equal((await glass.confirm(bob, id, undefined, { assertion })).status, 200)
    assert.equal((await glass.request()).status, 200)
    await glass.end(ann, id)
    // Nor by one without a passkey, whom somebody with a password has made.
    const theirs = await glass.ask(bob)
    assert.equal((await glass.confirm(ann, String(theirs.body['id']))).status, 403)
    assert.equal((await glass.request()).status, 403)
  })
})

/**
 * One person, or what they left lying about, that would do without the other: whoever breaks the glass alone needs nobody
 * to approve anything. It takes two people who are admins when it takes effect, the second in a browser; it lasts half an
 * hour at most; and it takes nothing back that a person has said.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { openApprover } from '../support/approver.ts'
import { adminPassword } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { openGlass } from '../support/broken-glass.ts'

const password = adminPassword

test('the glass is not broken', async (t) => {
  const glass = await openGlass(t)
  const { broker, granted, upstream, ann, bob, clock } = glass
  const replica = await broker.replica()
  const shut = async () => {
    upstream.received.length = 0
    for (const url of [broker.url, replica.url])
      assert.notEqual((await glass.request(url)).status, 200)
    assert.deepEqual(glass.arrived(), [])
  }

  await t.test('by the same admin twice, on either replica', async () => {
    const id = await glass.asked()
    for (const url of [broker.url, replica.url])
      assert.equal((await glass.confirm(ann, id, url)).status, 403)
    // Whatever the code does, the database does not hold it.
    await assert.rejects(
      sql`update break_glass set confirmed_by = asked_by, confirmed_at = now(), ends_at = now()
          where id = ${id}`.execute(broker.broker.db),
      /break_glass_two_people/,
    )
    await shut()
  })

  await t.test('by a bearer of another admin, password and all', async () => {
    const id = await glass.asked()
    const path = `/v1/break-glass/${id}/confirm`
    assert.equal((await bob.asCli('POST', path, { password })).status, 403)
    await shut()
  })

  await t.test('without the password, or by who is no admin', async () => {
    const id = await glass.asked()
    const path = `/v1/break-glass/${id}/confirm`
    assert.equal((await bob.send('POST', path, {})).status, 403)
    assert.equal((await bob.send('POST', path, { password: 'wrong horse battery' })).status, 403)
    const carol = await openBrowser(broker, 'carol', ['approver', 'auditor'])
    assert.equal((await glass.confirm(carol, id)).status, 403)
    assert.equal((await glass.ask(carol)).status, 403)
    await shut()
  })

  await t.test('for longer than half an hour', async () => {
    for (const minutes of [31, 1_440, 0, -1, 1.5, '30'])
      assert.equal((await glass.ask(ann, { grant: granted.grantId, minutes })).status, 400)
    for (const more of [{ seconds: 7_200 }, { ends_at: '2099-01-01T00:00:00Z' }]) {
      assert.equal((await glass.ask(ann, { grant: granted.grantId, ...more })).status, 400)
      assert.equal((await glass.confirm(bob, await glass.asked(), undefined, more)).status, 400)
    }
    const id = await glass.asked()
    await assert.rejects(
      sql`update break_glass set confirmed_by = ${bob.operatorId}, confirmed_at = now(),
          ends_at = now() + interval '31 minutes' where id = ${id}`.execute(broker.broker.db),
      /break_glass_time/,
    )
    await shut()
  })

  await t.test('by who was demoted in between, or on the word of one who was', async () => {
    const made = await Promise.all(
      ['dan', 'erin'].map((name) => openBrowser(broker, name, ['admin'])),
    )
    const [dan, erin] = made
    assert.ok(dan !== undefined && erin !== undefined)
    const theirs = String((await glass.ask(dan)).body['id'])
    const ours = await glass.asked()
    const held = String((await glass.ask(dan)).body['id'])
    assert.equal((await glass.confirm(erin, held)).status, 200)
    await replica.broker.deps.feed.refresh()
    assert.equal((await glass.request(replica.url)).status, 200)
    const demote = (id: string) =>
      broker.api('PATCH', `/v1/operators/${id}`, { roles: ['auditor'], password })
    await demote(dan.operatorId)
    assert.equal((await glass.confirm(bob, theirs)).status, 403)
    // What is in force rests on both of them.
    await replica.broker.deps.feed.refresh()
    await shut()
    await demote(erin.operatorId)
    assert.ok([401, 403].includes((await glass.confirm(erin, ours)).status))
    const again = await openBrowser(broker, 'erin')
    assert.equal((await glass.confirm(again, ours)).status, 403)
    await shut()
  })

  await t.test('with a confirmation that was good once', async () => {
    const id = await glass.asked({ grant: granted.grantId, minutes: 1 })
    assert.equal((await glass.confirm(bob, id)).status, 200)
    assert.equal((await glass.confirm(bob, id)).status, 409)
    await glass.end(ann, id)
    assert.equal((await glass.confirm(bob, id)).status, 409)
    const over = await glass.asked({ grant: granted.grantId, minutes: 1 })
    assert.equal((await glass.confirm(bob, over)).status, 200)
    clock.ahead = 61
    assert.equal((await glass.confirm(bob, over, replica.url)).status, 409)
    await shut()
    clock.ahead = 0
    await glass.end(ann, over)
  })

  await t.test('with what was asked for too long ago', async () => {
    const id = await glass.asked()
    clock.ahead = 15 * 60 + 1
    assert.equal((await glass.confirm(bob, id)).status, 409)
    clock.ahead = 0
  })

  await t.test('more than once by two replicas at once', async () => {
    const id = await glass.asked({ grant: granted.grantId, minutes: 1 })
    const urls = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? broker.url : replica.url))
    const answers = await Promise.all(urls.map((url) => glass.confirm(bob, id, url)))
    const good = answers.filter(({ status }) => status === 200)
    assert.equal(good.length, 1)
    assert.ok(answers.every(({ status }) => status === 200 || status === 409))
    await glass.end(bob, id)
    await replica.broker.deps.feed.refresh()
    await shut()
  })

  await t.test('over what a person has refused', async () => {
    const carol = await openApprover(broker, 'cleo')
    const owners = [carol.browser.operatorId]
    await broker.api('PATCH', `/v1/environments/${granted.environmentId}`, { owners, password })
    const asked = await glass.request()
    const { id: approvalId } = asked.json['approval'] as { id: string }
    const id = await glass.asked({ grant: granted.grantId, minutes: 1 })
    await carol.deny(approvalId)
    assert.equal((await glass.confirm(bob, id)).status, 200)
    await replica.broker.deps.feed.refresh()
    await shut()
    await glass.end(bob, id)
  })

  await t.test('on a grant that is revoked, before it is confirmed or after', async () => {
    const before = await glass.asked()
    const during = await glass.asked()
    assert.equal((await glass.confirm(bob, during)).status, 200)
    await broker.api('POST', `/v1/grants/${granted.grantId}/revoke`, {})
    await replica.broker.deps.feed.refresh()
    await shut()
    assert.equal((await glass.confirm(bob, before)).status, 409)
    assert.equal((await glass.ask(ann)).status, 409)
  })
})

/** What the page of break-glasses says to whom, and that nothing of it is crowded out. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { askBreakGlass } from '../../../src/directory/break-glass.ts'
import type { EnvironmentId, OperatorId, PasskeyId } from '../../../src/ids.ts'
import { adminPassword } from '../../support/broker.ts'
import { openGlass } from '../../support/broken-glass.ts'
import { openBrowser, registerPasskey } from '../../support/browser.ts'
import { getPage, signInCookie } from '../../support/console.ts'

test('the page of break-glasses', async (t) => {
  const glass = await openGlass(t)
  const { broker, granted, ann } = glass
  const pageOf = async (name: string) =>
    getPage(broker, '/break-glass', { cookie: await signInCookie(broker, name) })
  const id = await glass.asked()
  /** As the keeper would: it is not what this is about. */
  const removePasskeyOf = async (passkeyId: string) =>
    broker.broker.db
      .deleteFrom('passkey')
      .where('id', '=', passkeyId as PasskeyId)
      .execute()

  await t.test('an approver may end it, and not confirm it; an auditor neither', async () => {
    await openBrowser(broker, 'carol', ['approver'])
    await openBrowser(broker, 'eve', ['auditor'])
    const carol = await pageOf('carol')
    assert.match(carol.text, /You cannot confirm it: <bdi dir="ltr">that is for an admin<\/bdi>/)
    assert.ok(carol.text.includes(`/v1/break-glass/${id}/end`))
    const eve = await pageOf('eve')
    assert.ok(eve.text.includes(id))
    for (const { text } of [carol, eve]) assert.ok(!text.includes(`/${id}/confirm`))
    assert.ok(!eve.text.includes(`/${id}/end`))
  })

  await t.test('an admin reads why it has no effect, whoever is not what they were', async () => {
    await openBrowser(broker, 'dan', ['admin'])
    const dan = await openBrowser(broker, 'dan')
    const theirs = String((await glass.ask(dan)).body['id'])
    const confirmed = await glass.asked()
    assert.equal((await glass.confirm(dan, confirmed)).status, 200)
    assert.ok(!(await pageOf('bob')).text.includes('It lets nothing through'))
    await broker.api('PATCH', `/v1/operators/${dan.operatorId}`, {
      roles: ['auditor'],
      password: adminPassword,
    })
    const { text } = await pageOf('bob')
    assert.match(text, /It lets nothing through: <bdi dir="ltr">dan is no admin any more/)
    assert.match(text, /You cannot confirm it: <bdi dir="ltr">whoever asked for it is no admin/)
    assert.ok(!text.includes(`/${theirs}/confirm`))
    await glass.end(ann, confirmed)
  })

  await t.test(
    'an admin without one reads that it takes a passkey, once an admin has one',
    async () => {
      assert.ok((await pageOf('bob')).text.includes(`/${id}/confirm`))
      const { id: passkeyId } = await registerPasskey(ann)
      const { text } = await pageOf('bob')
      assert.match(text, /an admin here has a passkey, so it takes an admin who has one/)
      assert.ok(!text.includes(`/${id}/confirm`))
      await removePasskeyOf(passkeyId)
    },
  )

  await t.test(
    'nobody is asked to confirm what is revoked, or was asked for too long ago',
    async () => {
      assert.ok((await pageOf('bob')).text.includes(`/${id}/confirm`))
      glass.clock.ahead = 15 * 60 + 1
      const late = await pageOf('bob')
      assert.ok(!late.text.includes(`/${id}/confirm`))
      assert.match(late.text, /nobody, in time/)
      glass.clock.ahead = 0
      await broker.api('POST', `/v1/grants/${granted.grantId}/revoke`, {})
      const { text } = await pageOf('bob')
      assert.match(text, /what it is for is disabled, revoked or expired/)
      assert.ok(!text.includes(`/${id}/confirm`))
    },
  )

  await t.test('what is in force is on it, however much more somebody asks for', async () => {
    const environmentId = granted.environmentId as EnvironmentId
    const askedBy = glass.bob.operatorId as OperatorId
    const flood = async () =>
      broker.broker.db.transaction().execute(async (tx) => {
        const wish = { grantId: null, environmentId, reason: 'a flood', seconds: 60, askedBy }
        for (let i = 0; i < 60; i++) await askBreakGlass(tx, { ...wish, now: Date.now() })
      })
    await flood()
    const hidden = await glass.asked({ environment: environmentId })
    assert.equal((await glass.confirm(glass.bob, hidden)).status, 200)
    await flood()
    const { text } = await pageOf('bob')
    assert.ok(text.includes(`/${hidden}/end`))
    assert.match(text, /There is more than is shown here/)
    assert.equal(text.split('</section></li>').length - 1, 50)
    await broker.broker.db.deleteFrom('break_glass').where('reason', '=', 'a flood').execute()
    await glass.end(ann, hidden)
  })

  await t.test(
    'what is in force is there until its last second, however long ago it was asked',
    async () => {
      const environment = await ann.send('POST', '/v1/break-glass', {
        environment: granted.environmentId,
        reason: 'the longest',
        password: adminPassword,
      })
      const longest = String(environment.body['id'])
      glass.clock.ahead = 15 * 60 - 5
      assert.equal((await glass.confirm(glass.bob, longest)).status, 200)
      glass.clock.ahead = 45 * 60 - 10
      assert.ok((await pageOf('bob')).text.includes(`/${longest}/end`))
    },
  )
})

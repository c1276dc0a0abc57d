/**
 * Whoever has the password of the only admin with a passkey, and no authenticator, would make an admin of their own, take
 * the first one's role away, and allow themselves a passkey in a house without any. So nobody becomes an admin or an
 * approver, loses a role, or is disabled, enabled or reset without a touch, once the admin who does it has a passkey; nor
 * by another admin, without one, to an admin who has.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { recoverOperator } from '../../src/bootstrap.ts'
import { adminPassword as password, openTestBroker } from '../support/broker.ts'
import { openBrowser, registerPasskey, testPublicUrl, touch } from '../support/browser.ts'
import { createAuthenticator } from '../support/authenticator.ts'

test('a role is not given or taken by who has an admin’s password alone', async (t) => {
  const broker = await openTestBroker(t)
  const ann = await openBrowser(broker, broker.admin.name)
  // Before there is a passkey, the password does: a broker starts with an admin who has none.
  const bob = await openBrowser(broker, 'bob', ['admin'])
  const sam = await openBrowser(broker, 'sam', ['approver'])
  const aud = await openBrowser(broker, 'aud', ['auditor'])
  const { authenticator } = await registerPasskey(ann)
  const create = (roles: readonly string[], assertion?: unknown, name = 'new') =>
    ann.send('POST', '/v1/operators', {
      name,
      roles,
      password,
      ...(assertion === undefined ? {} : { assertion }),
    })
  const change = (id: string, what: object, assertion?: unknown, by = ann) =>
    by.send('PATCH', `/v1/operators/${id}`, {
      ...what,
      password,
      ...(assertion === undefined ? {} : { assertion }),
    })
  const reset = (id: string, assertion?: unknown, by = ann) =>
    by.send('POST', `/v1/operators/${id}/reset`, {
      password,
      ...(assertion === undefined ? {} : { assertion }),
    })
  const operators = async () =>
    (
      await broker.api<{ items: { name: string; roles: string[]; state: string }[] }>(
        'GET',
        '/v1/operators',
      )
    ).items.map(({ name, roles, state }) => `${name} ${roles.join('+')} ${state}`)
  const before = await operators()
  const { operatorId: samId } = sam

  await t.test('neither in a browser nor by a bearer', async () => {
    for (const roles of [['admin'], ['approver'], ['auditor', 'approver']])
      assert.equal((await create(roles)).status, 403, roles.join())
    for (const what of [
      { roles: ['admin'] },
      { roles: ['auditor'] },
      { state: 'disabled' },
      { state: 'revoked' },
      {},
    ]) {
      assert.equal((await change(samId, what)).status, 403, JSON.stringify(what))
      const all = { ...what, password }
      assert.equal((await ann.asCli('PATCH', `/v1/operators/${samId}`, all)).status, 403)
    }
    assert.equal((await reset(samId)).status, 403)
    assert.deepEqual(await operators(), before)
  })

  await t.test('not with a touch for other roles, another person or another act', async () => {
    const of = (act: string, subject: string, what?: object) =>
      touch(ann, authenticator, act, subject, what)
    assert.equal(
      (await create(['admin'], await of('operator.create', 'new', { roles: ['approver'] }))).status,
      403,
    )
    assert.equal(
      (await create(['admin'], await of('operator.create', 'old', { roles: ['admin'] }))).status,
      403,
    )
    assert.equal(
      (await create(['admin'], await of('operator.update', 'new', { roles: ['admin'] }))).status,
      403,
    )
    const roles = { roles: ['admin', 'approver'] }
    const wrong = [
      await of('operator.update', samId, { roles: ['approver'] }),
      await of('operator.update', aud.operatorId, roles),
      await of('operator.update', samId),
      await of('operator.update', samId, { ...roles, state: 'active' }),
    ]
    for (const assertion of wrong) assert.ok((await change(samId, roles, assertion)).status >= 403)
    assert.equal((await reset(samId, await of('operator.update', samId))).status, 403)
    const evil = createAuthenticator({ origin: testPublicUrl })
    const theirs = await touch(ann, evil, 'operator.update', samId, roles)
    assert.equal((await change(samId, roles, theirs)).status, 403)
    assert.deepEqual(await operators(), before)
  })

  await t.test('nor by another admin, who has no passkey, to one who has', async () => {
    const of = ann.operatorId
    for (const what of [{ roles: ['auditor'] }, { state: 'disabled' }])
      assert.equal((await change(of, what, undefined, bob)).status, 403)
    assert.equal((await reset(of, undefined, bob)).status, 403)
    assert.equal((await ann.send('GET', '/v1/me')).status, 200)
    assert.deepEqual(await operators(), before)
  })

  await t.test('nor by an admin from the moment on in which they have one', async () => {
    assert.equal((await change(aud.operatorId, { state: 'disabled' }, undefined, bob)).status, 200)
    assert.equal((await change(aud.operatorId, { state: 'active' }, undefined, bob)).status, 200)
    await registerPasskey(bob)
    assert.equal((await change(aud.operatorId, { state: 'disabled' }, undefined, bob)).status, 403)
  })

  await t.test('but with a touch for exactly this, once', async () => {
    const roles = ['approver', 'admin']
    const assertion = await touch(ann, authenticator, 'operator.update', samId, {
      roles: roles.toReversed(),
    })
    assert.equal((await change(samId, { roles }, assertion)).status, 200)
    assert.equal((await change(samId, { roles }, assertion)).status, 409)
    const made = { roles: ['admin'] }
    const touched = await touch(ann, authenticator, 'operator.create', 'new', made)
    assert.equal((await create(['admin'], touched)).status, 201)
    assert.equal((await create(['admin'], touched, 'newer')).status, 409)
    const again = await touch(ann, authenticator, 'operator.reset', samId)
    assert.equal((await reset(samId, again)).status, 200)
  })

  await t.test('an auditor, who decides nothing, is added without', async () => {
    assert.equal((await create(['auditor'], undefined, 'reader')).status, 201)
  })

  await t.test('whom the keeper recovers is as free as at the start', async () => {
    const secret = await recoverOperator(broker.broker.db, broker.admin.name, Date.now())
    await broker
      .api('POST', '/v1/setup', {
        name: broker.admin.name,
        setup_secret: secret,
        password,
      })
      .catch(() => undefined)
    const back = await openBrowser(broker, broker.admin.name)
    assert.equal((await change(aud.operatorId, { state: 'disabled' }, undefined, back)).status, 200)
    await registerPasskey(back)
    assert.equal((await change(aud.operatorId, { state: 'active' }, undefined, back)).status, 403)
  })
})

/** Operators' sign-in at an identity provider: oidc-provider, unmodified. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { newId } from '../../../src/ids.ts'
import { adminPassword, openTestBroker } from '../../support/broker.ts'
import { openAgent } from '../../support/identity-sign-in.ts'
import { openTestProvider } from '../../support/identity-provider.ts'
import { entries } from '../../support/stage.ts'

type Operator = {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly ready: boolean
  readonly identity?: object
}

test('operators who sign in at the identity provider', async (t) => {
  const secret = 'a-secret-of-the-client-that-is-long-enough'
  const provider = await openTestProvider(t, { secret })
  const broker = await openTestBroker(t, { identity: provider.settings })
  const { people, issuer } = provider
  people.set('u-1', { groups: ['platform', 'everybody'], name: 'grace' })
  const operators = async (): Promise<readonly Operator[]> =>
    (await broker.api<{ items: Operator[] }>('GET', '/v1/operators')).items
  const grace = async (): Promise<Operator> => {
    const found = (await operators()).find(({ name }) => name === 'grace')
    assert.ok(found)
    return found
  }
  const first = openAgent(broker)

  await t.test('become operators, and are what their groups make of them', async () => {
    provider.atKeyboard = 'u-1'
    const landed = await first.signIn('?next=/passkeys')
    assert.equal(landed.status, 200, landed.text)
    assert.match(landed.text, /data-onward="\/passkeys"/)
    const me = await first.send('GET', '/v1/me')
    assert.deepEqual([me.status, me.body['name'], me.body['roles']], [200, 'grace', ['admin']])
    const { ready, identity } = await grace()
    assert.deepEqual([ready, identity], [true, { issuer, subject: 'u-1' }])
  })

  await t.test('leave an entry that nobody passes over, and no token anywhere', async () => {
    const log = await entries(broker)
    const joined = log.filter((entry) => entry['action'] === 'operator.JOINED')
    assert.equal(joined.length, 1)
    assert.deepEqual(joined[0]?.['change'], {
      called: 'grace',
      operator: 'grace',
      person: `${issuer} u-1`,
      roles: ['admin'],
    })
    const signIn = log.findLast(({ kind }) => kind === 'sign_in')
    assert.deepEqual([signIn?.['result'], signIn?.['subject']], ['done', `${issuer} u-1`])
    const text = JSON.stringify(log)
    assert.ok(!/eyJ|code=|refresh|a-secret-of/.test(text))
    const { db, deps } = broker.broker
    const kept = await db
      .selectFrom('operator_session')
      .select(['id', 'sealed'])
      .executeTakeFirstOrThrow()
    assert.ok(kept.sealed)
    const token = await deps.signInSealer.open(kept.sealed, kept.id)
    assert.ok(token.length > 20)
    assert.ok(!kept.sealed.includes(token) && !text.includes(token.toString()))
    // Bound to its row: in another it opens nothing.
    await assert.rejects(deps.signInSealer.open(kept.sealed, newId('signIn')))
  })

  await t.test('are the same operator when they come again, with the groups of then', async () => {
    people.set('u-1', { groups: ['on-call'], name: 'now called otherwise' })
    const again = openAgent(broker)
    await again.signIn()
    const me = await again.send('GET', '/v1/me')
    assert.deepEqual([me.body['name'], me.body['roles']], ['grace', ['approver', 'auditor']])
    // Read anew at each request, the first browser's too.
    assert.equal((await first.send('GET', '/v1/me')).body['name'], 'grace')
    assert.equal((await first.send('GET', '/v1/agents?limit=1')).status, 200)
    const entry = (await entries(broker)).findLast(
      ({ action }) => action === 'operator.update_by_groups',
    )
    assert.deepEqual(entry?.['change'], {
      before: ['admin'],
      operator: 'grace',
      person: `${issuer} u-1`,
      roles: ['approver', 'auditor'],
    })
  })

  await t.test('have no roles by hand, and no password to take away', async () => {
    const { id } = await grace()
    const byHand = { roles: ['admin'], password: adminPassword }
    const refused = await broker.api('PATCH', `/v1/operators/${id}`, byHand, 409)
    assert.match(String(refused['detail']), /their groups at the identity provider/)
    const body = { password: adminPassword }
    const reset = await broker.api('POST', `/v1/operators/${id}/reset`, body, 403)
    assert.equal(reset['code'], 'passwords_off')
    const own = { password: 'what ever it is', new_password: 'another one, long enough' }
    const changed = await first.send('POST', '/v1/me/password', own)
    assert.deepEqual([changed.status, changed.body['code']], [403, 'passwords_off'])
    const signIn = { name: 'grace', password: 'no password at all' }
    assert.equal((await broker.api('POST', '/v1/sign-in', signIn, 401))['code'], 'sign_in_required')
  })

  await t.test('are let in no more once an admin has disabled them here', async () => {
    const { id } = await grace()
    const change = (state: string) =>
      broker.api('PATCH', `/v1/operators/${id}`, { state, password: adminPassword })
    await change('disabled')
    assert.equal((await first.send('GET', '/v1/me')).status, 401)
    const landed = await openAgent(broker).signIn()
    assert.equal(landed.status, 403)
    assert.match(landed.text, /You may not sign in here/)
    await change('active')
  })

  await t.test('end with the last group that gives a role, in every browser', async () => {
    people.set('u-1', { groups: ['on-call'], name: 'grace' })
    const before = openAgent(broker)
    await before.signIn()
    assert.equal((await before.send('GET', '/v1/me')).status, 200)
    // Equality: neither of these is a group that is listed.
    people.set('u-1', { groups: ['On-Call', 'on-call ', 'constructor'], name: 'grace' })
    const landed = await openAgent(broker).signIn()
    assert.equal(landed.status, 403)
    assert.match(landed.text, /None of your groups/)
    assert.equal((await before.send('GET', '/v1/me')).status, 401)
    assert.deepEqual((await grace()).roles, [])
    const refused = (await entries(broker)).findLast(({ kind }) => kind === 'sign_in')
    assert.deepEqual(
      [refused?.['result'], refused?.['reason'], refused?.['subject']],
      ['refused', 'no_role', `${issuer} u-1`],
    )
  })

  await t.test('who never had a group that counts leave no operator behind', async () => {
    const count = (await operators()).length
    people.set('u-2', { groups: undefined, name: 'mallory' })
    provider.atKeyboard = 'u-2'
    assert.equal((await openAgent(broker).signIn()).status, 403)
    assert.equal((await operators()).length, count)
  })

  await t.test(
    'and who are tied to an operator by an admin have no password any more',
    async () => {
      const added = await broker.api<{ operator: { id: string }; setup_secret: string }>(
        'POST',
        '/v1/operators',
        { name: 'sam', roles: ['auditor'], password: adminPassword },
      )
      const setup = { name: 'sam', setup_secret: added.setup_secret, password: adminPassword }
      await broker.api('POST', '/v1/setup', setup)
      const sam = { name: 'sam', password: adminPassword }
      await broker.api('POST', '/v1/sign-in', sam)
      const path = `/v1/operators/${added.operator.id}/identity`
      const tie = (body: object, status: number) =>
        broker.api('POST', path, { password: adminPassword, ...body }, status)
      await tie({ issuer: 'https://elsewhere.example', subject: 'u-3' }, 409)
      // Somebody else's.
      await tie({ issuer, subject: 'u-1' }, 409)
      await broker.api('POST', '/v1/sign-in', sam)
      await tie({ issuer, subject: 'u-3' }, 200)
      await broker.api('POST', '/v1/sign-in', sam, 401)
      people.set('u-3', { groups: ['on-call'], name: 'samantha' })
      provider.atKeyboard = 'u-3'
      const agent = openAgent(broker)
      await agent.signIn()
      const me = await agent.send('GET', '/v1/me')
      assert.deepEqual(
        [me.body['id'], me.body['roles']],
        [added.operator.id, ['approver', 'auditor']],
      )
    },
  )

  await t.test('sign out, and their sign-in is gone', async () => {
    const agent = openAgent(broker)
    await agent.signIn()
    const cookie = agent.cookies.get('http://localhost:8474')?.get('__Host-valetkey')
    await agent.send('POST', '/v1/sign-out', {})
    agent.cookies.get('http://localhost:8474')?.set('__Host-valetkey', String(cookie))
    assert.equal((await agent.send('GET', '/v1/me')).status, 401)
  })
})

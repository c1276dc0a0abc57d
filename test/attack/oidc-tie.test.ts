/**
 * Who an operator is at the identity provider changes while somebody signs in there, or is asked about: whoever it was
 * before keeps nothing, and what the provider says of them changes nobody else.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import type { Tx } from '../../src/db/open.ts'
import { createFromIdentity, tieOperator } from '../../src/directory/operator-identity.ts'
import { newSetupSecret, readOperator, recoverAdmin } from '../../src/directory/operator.ts'
import type { OperatorId } from '../../src/ids.ts'
import { openTestBroker } from '../support/broker.ts'
import { openBrowser, registerPasskey, type Browser } from '../support/browser.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'
import { until } from '../support/until.ts'

test('an operator who becomes somebody else', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const now = () => Date.now() + clock.ahead
  const broker = await openTestBroker(t, { identity: provider.settings, now })
  const { db } = broker.broker
  const { issuer } = provider

  async function signIn(subject: string, groups: readonly string[] = ['platform']) {
    provider.people.set(subject, { groups, name: subject })
    provider.atKeyboard = subject
    const agent = openAgent(broker)
    const landed = await agent.signIn('?fresh=yes')
    const { body } = await agent.send('GET', '/v1/me')
    return { id: String(body['id']) as OperatorId, agent, landed }
  }
  const tie = (tx: Tx, id: OperatorId, subject: string) =>
    tieOperator(tx, id, { issuer, subject }, id)

  /** Does this once `meanwhile` waits for what it holds, and before that goes on. */
  async function whileWaiting<T>(
    hold: (tx: Tx) => Promise<unknown>,
    meanwhile: () => Promise<T>,
    then: (tx: Tx) => Promise<unknown>,
  ): Promise<T> {
    const waiting = async () => {
      const { rows } = await sql<{ pid: number }>`
        select pid from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
      `.execute(db)
      return rows.length > 0 ? true : undefined
    }
    const done = await db.transaction().execute(async (tx) => {
      await hold(tx)
      const running = meanwhile()
      await until('it waits', waiting)
      await then(tx)
      return { running }
    })
    return done.running
  }
  const lock = (id: OperatorId) => (tx: Tx) =>
    tx.selectFrom('operator').select('id').where('id', '=', id).forUpdate().execute()

  await t.test('is not whoever signs in at that moment', async () => {
    const { id } = await signIn('ada')
    const again = await whileWaiting(
      lock(id),
      () => signIn('ada'),
      (tx) => tie(tx, id, 'ben'),
    )
    assert.notEqual(again.id, id)
    assert.deepEqual(
      await db.selectFrom('operator_session').selectAll().where('operator_id', '=', id).execute(),
      [],
    )
  })

  await t.test('has no roles of whom they were', async () => {
    const { id, agent } = await signIn('cleo')
    provider.people.set('cleo', { groups: ['on-call'], name: 'cleo' })
    clock.ahead += 5 * 60_000
    const me = await whileWaiting(
      lock(id),
      () => agent.send('GET', '/v1/me'),
      (tx) => recoverAdmin(tx, 'cleo', newSetupSecret(), now()),
    )
    assert.equal(me.status, 401)
    assert.deepEqual((await readOperator(db, id))?.roles, ['admin', 'approver', 'auditor'])
  })

  await t.test('takes no permit along that was another’s', async () => {
    const sam = await openBrowser(broker, 'sam', ['approver'])
    const body = { issuer, subject: 'mallory', password: broker.admin.password }
    await broker.api('POST', `/v1/operators/${sam.operatorId}/identity`, body)
    const { id, agent } = await signIn('mallory', ['on-call'])
    assert.equal(id, sam.operatorId)
    const send: Browser['send'] = (...args) => agent.send(...args)
    const browser = { send } as Browser
    await assert.rejects(registerPasskey(browser), /permit/)
  })

  await t.test('is one, however often they first sign in at once', async () => {
    await whileWaiting(
      (tx) => createFromIdentity(tx, { issuer, subject: 'nina', name: 'nina' }, ['admin'], now()),
      () => signIn('nina'),
      () => Promise.resolve(),
    )
    const { items } = await broker.api<{ items: { name: string }[] }>('GET', '/v1/operators')
    const named = items.map(({ name }) => name).filter((name) => name.startsWith('nina'))
    assert.deepEqual(named, ['nina'])
  })
})

/** Handles that were guessed, changed, or whose record somebody wrote who can write to the database. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { makeHandle } from '../../src/capability/handle-form.ts'
import { defaultHandle } from '../../src/core/handle-shape.ts'
import { asHandle, outcomeOf } from '../support/handle.ts'
import { entries, openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'

const hashOf = (handle: string): Buffer => createHash('sha256').update(handle).digest()

test('a handle that nobody issued', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { db, deps } = broker.broker
  const mark = deps.keyring()?.handleKeys.mark
  assert.ok(mark !== undefined)
  const mine = await granted.token(asHandle)
  assert.equal(await outcomeOf(broker.url, mine), 'allowed')
  const sent = upstream.received.length
  const refused = async (token: string): Promise<void> => {
    assert.equal(await outcomeOf(broker.url, token), 'capability_invalid', token)
    assert.equal(upstream.received.length, sent, token)
  }

  await t.test('is refused, guessed with our mark or without', async () => {
    await refused(makeHandle(defaultHandle, randomBytes(32), randomBytes))
    await refused(makeHandle(defaultHandle, mark, randomBytes))
    await refused(`vkh_${'0'.repeat(40)}`)
    await refused('vkh_')
  })

  await t.test(
    'is refused in another case, cut short, made longer or under another prefix',
    async () => {
      for (const other of [
        mine.toUpperCase(),
        mine.toLowerCase(),
        mine.slice(0, -1),
        mine.slice(0, -6),
        mine.slice(1),
        mine.slice(4),
        `${mine}0`,
        `0${mine}`,
        `sbp_${mine.slice(4)}`,
        `${mine},${mine}`,
        mine.replace('_', '%5F'),
        Buffer.from(mine).toString('base64url'),
        hashOf(mine).toString('hex'),
      ])
        await refused(other)
    },
  )

  await t.test('is refused by the hash that lies in the database, in any shape', async () => {
    const hash = hashOf(mine)
    for (const other of [hash.toString('hex'), `vkh_${hash.toString('hex').slice(0, 40)}`])
      await refused(other)
  })

  await t.test('is refused with a record that was edited, copied or planted', async () => {
    const other = await granted.token(asHandle)
    const { claims, mac } = await db
      .selectFrom('handle')
      .select(['claims', 'mac'])
      .where('hash', '=', hashOf(mine))
      .executeTakeFirstOrThrow()
    const values = [
      // Longer than it was issued for.
      { claims: claims.replace(/"exp":(\d+)/, (_all, exp) => `"exp":${String(Number(exp) + 60)}`) },
      // What another says.
      { claims, mac },
      { mac: Buffer.alloc(32) },
    ]
    for (const value of values) {
      const token = await granted.token(asHandle)
      await db.updateTable('handle').set(value).where('hash', '=', hashOf(token)).execute()
      await refused(token)
    }
    const planted = makeHandle(defaultHandle, mark, randomBytes)
    await db
      .insertInto('handle')
      .values({ hash: hashOf(planted), claims, mac, expires_at: new Date(Date.now() + 300_000) })
      .execute()
    await refused(planted)
    assert.equal(await outcomeOf(broker.url, other), 'allowed')
    const log = await until('it is on record that somebody wrote there', async () => {
      const found = await entries(broker)
      return found.some((entry) => entry['action'] === 'handle.altered') ? found : undefined
    })
    assert.ok(!JSON.stringify(log).includes(planted))
  })
})

import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { bumpRevision, openFeed, staleAfter } from '../../src/db/feed.ts'
import { openDatabase } from '../../src/db/open.ts'
import type { RevisionScope } from '../../src/db/types.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { until } from '../support/until.ts'

async function world(t: TestContext) {
  const database = await createTestDatabase()
  const db = openDatabase(database.connection)
  let now = 0
  const feed = await openFeed(database.connection, () => now)
  let closed = false
  const close = async (): Promise<void> => {
    if (closed) return
    closed = true
    await feed.close()
  }
  t.after(async () => {
    await close()
    await db.destroy()
    await database.drop()
  })
  const bump = (scope: RevisionScope) => db.transaction().execute((tx) => bumpRevision(tx, scope))
  return { db, feed, close, bump, pass: (ms: number) => void (now += ms) }
}

test('a change is heard without being asked for, and a change that is rolled back never', async (t) => {
  const { db, feed, bump } = await world(t)
  const heard: RevisionScope[] = []
  feed.onChange((scope) => Promise.resolve(void heard.push(scope)))
  const before = feed.revision('revocation')
  await assert.rejects(
    db.transaction().execute(async (tx) => {
      await bumpRevision(tx, 'directory')
      throw new Error('no')
    }),
  )
  await bump('revocation')
  await until('the feed hears', () => (feed.revision('revocation') > before ? true : undefined))
  assert.deepEqual(heard, ['revocation'])
})

test('after refresh returns, what was committed before it is in effect here', async (t) => {
  const { feed, bump } = await world(t)
  let reloads = 0
  feed.onChange(async () => {
    await new Promise((resolve) => setImmediate(resolve))
    reloads++
  })
  for (let i = 1; i <= 20; i++) {
    await bump('directory')
    assert.equal(await feed.refresh(), true)
    assert.ok(reloads >= i, 'the listener had ended')
  }
})

test('a process that heard nothing for too long asks, and is told no where nobody answers', async (t) => {
  const { feed, close, pass } = await world(t)
  assert.equal(feed.confirm(), true)
  pass(staleAfter + 1)
  assert.equal(await feed.confirm(), true, 'the database answered')
  assert.equal(feed.confirm(), true, 'and that counts for a while')
  await close()
  pass(staleAfter + 1)
  assert.equal(await feed.confirm(), false)
})

test('a listener that fails leaves the feed unconfirmed, and is called again until it succeeds', async (t) => {
  const { feed, bump, pass } = await world(t)
  let broken = true
  let calls = 0
  feed.onChange(() => {
    calls++
    return broken ? Promise.reject(new Error('cannot read')) : Promise.resolve()
  })
  const before = feed.revision('directory')
  await bump('directory')
  assert.equal(await feed.refresh(), false)
  pass(staleAfter + 1)
  assert.equal(await feed.confirm(), false, 'nothing is allowed on what is not known')
  assert.equal(feed.revision('directory'), before)
  broken = false
  assert.equal(await feed.refresh(), true)
  assert.ok(feed.revision('directory') > before)
  assert.ok(calls >= 3)
})

/** The operator's side of native credentials, in a terminal: what may still work, ending it, and what could not be. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { askLease, endOwn, openLeaseWorld, shownLease } from '../support/lease.ts'
import { until } from '../support/until.ts'
import { cli } from './world.ts'

test('leases in a terminal', async (t) => {
  const world = await openLeaseWorld(t)
  const { broker, fickle } = world
  const leasing = await world.leasing()
  const other = await world.leasing()
  const home = await mkdtemp(join(tmpdir(), 'valetkey-cli-'))
  t.after(() => rm(home, { recursive: true }))
  const env = { XDG_CONFIG_HOME: home, HOME: home, VALETKEY_URL: broker.url }
  const type = (...argv: string[]) => cli(argv, { env, fetch, typed: [adminPassword] })
  const ask = async ({ token }: typeof leasing) => {
    const { json } = await askLease(broker.url, await token())
    return { id: String(json['id']), token: String(json['token']) }
  }
  const is = (id: string, wanted: string) =>
    until(`it is ${wanted}`, async () => {
      const shown = await shownLease(broker, id)
      return shown.state === wanted ? shown : undefined
    })
  assert.equal((await type('login', '--name', broker.admin.name)).code, 0)

  await t.test('say that there is none', async () => {
    assert.deepEqual((await type('lease', 'list')).out, ['There is none.'])
  })

  const lease = await ask(leasing)
  const kept = await ask(other)

  await t.test('are listed by what they are for, and never show the credential', async () => {
    const all = await type('lease', 'list')
    assert.equal(all.code, 0, all.err.join('\n'))
    const line = all.out.find((each) => each.startsWith(lease.id)) ?? ''
    assert.match(line, / live +agent \d+ +test\/\d+ +github /)
    assert.equal(all.out.length, 3)
    const mine = await type('lease', 'list', '--agent', leasing.agentId)
    assert.ok(mine.out.some((each) => each.startsWith(lease.id)))
    assert.ok(!mine.out.some((each) => each.startsWith(kept.id)))
    const there = await type('lease', 'list', '--environment', other.environmentId, '--json')
    const { items } = JSON.parse(there.out.join('\n')) as { items: { id: string }[] }
    assert.deepEqual(
      items.map(({ id }) => id),
      [kept.id],
    )
    const shown = await type('lease', 'show', lease.id)
    assert.ok(shown.out.includes('  can: read'))
    assert.ok(shown.out.some((each) => each.startsWith('  stops by itself: 2')))
    for (const said of [all, there, shown])
      assert.ok(!said.out.join('\n').includes(lease.token.slice(4)))
  })

  await t.test('are ended at the provider, once', async () => {
    const revoked = await type('lease', 'revoke', lease.id)
    assert.equal(revoked.code, 0, revoked.err.join('\n'))
    assert.match(revoked.out[0] ?? '', /, (revoking|revoked): /)
    await is(lease.id, 'revoked')
    assert.ok(!fickle.tokens().includes(lease.token))
    const shown = (await type('lease', 'show', lease.id)).out
    assert.ok(shown.some((each) => /^  ended: 2\S+ by op_\w+: an operator revoked it$/.test(each)))
    assert.ok(!shown.join('\n').includes('stops by itself'), 'what is over says so alone')
    const again = await type('lease', 'revoke', lease.id)
    assert.equal(again.code, 1)
    assert.match(again.err.join('\n'), /nothing to revoke: the provider has ended it \(conflict\)/)
    assert.ok(!(await type('lease', 'list')).out.some((each) => each.startsWith(lease.id)))
    const any = await type('lease', 'list', '--state', 'any')
    assert.ok(any.out.some((each) => each.startsWith(lease.id)))
  })

  await t.test('stand first, and shout, where they could not be', async () => {
    fickle.meddle(({ method }) => (method === 'DELETE' ? { status: 503 } : undefined))
    const stuck = await ask(leasing)
    const live = await ask(leasing)
    await endOwn(broker.url, await leasing.token(), stuck.id)
    await is(stuck.id, 'could_not_revoke')
    const { out } = await type('lease', 'list')
    assert.ok(out[1]?.startsWith(stuck.id), out.join('\n'))
    assert.match(out[1] ?? '', /COULD NOT REVOKE/)
    assert.ok(out.some((each) => each.startsWith(live.id)))
    const shown = await type('lease', 'show', stuck.id)
    assert.match(shown.out[0] ?? '', /, COULD NOT REVOKE: /)
    assert.match(shown.out.join('\n'), /failing since: 2.*attempts; next: 2[^]*last error: \S/)

    // A sign-in alone does not close it: what it says is that the credential is dead.
    const unproved = await cli(['lease', 'close', stuck.id], { env, fetch, typed: ['wrong'] })
    assert.equal(unproved.code, 1)
    await is(stuck.id, 'could_not_revoke')
    const closed = await type('lease', 'close', stuck.id)
    assert.equal(closed.code, 0, closed.err.join('\n'))
    assert.deepEqual(closed.asked, ['Your password'])
    assert.match(closed.out[0] ?? '', /revoked: an operator says that it was ended at the provider/)
  })

  await t.test('are named by their id alone, and asked for by a state that there is', async () => {
    const named = await type('lease', 'show', 'deploy-bot')
    assert.equal(named.code, 2)
    assert.match(named.err.join('\n'), /not the id of a lease; one looks like ls_/)
    const state = await type('lease', 'list', '--state', 'dead')
    assert.equal(state.code, 2)
    assert.match(state.err.join('\n'), /--state must be one of open, any, .*could_not_revoke/)
  })
})

/** Ids of another agent's leases, or of another grant's: they tell nothing, and end nothing. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { addHelper, childOf } from '../support/delegation.ts'
import { askLease, endOwn, openLeaseWorld, shownLease, type LeaseWorld } from '../support/lease.ts'
import { answerOf } from '../support/world.ts'

let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined)
})
after(() => world.close())

const unknown = `ls_${'0'.repeat(26)}`

async function read(token: string, path: string) {
  return answerOf(
    await fetch(`${world.broker.url}${path}`, { headers: { authorization: `Bearer ${token}` } }),
  )
}

test('another agent’s lease is answered like none, and stays', async () => {
  const { url } = world.broker
  const mine = await world.leasing()
  const others = await world.leasing()
  const { json } = await askLease(url, await others.token())
  const id = String(json['id'])
  const token = await mine.token()
  for (const found of [await endOwn(url, token, id), await endOwn(url, token, unknown)])
    assert.deepEqual([found.status, found.json['code']], [404, 'not_found'])
  const seen = await read(token, `/v1/leases/own/${id}`)
  const none = await read(token, `/v1/leases/own/${unknown}`)
  assert.deepEqual([seen.status, seen.json['detail']], [none.status, none.json['detail']])
  assert.ok(!(await read(token, '/v1/leases/own')).text.includes(id))
  assert.equal((await shownLease(world.broker, id)).state, 'live')
})

test('so is the same agent’s, under another grant', async () => {
  const { url, admin } = world.broker
  const one = await world.leasing()
  const { json } = await askLease(url, await one.token())
  const id = String(json['id'])
  const second = await world.broker.api<{ id: string }>('POST', '/v1/grants', {
    agent: one.agentId,
    credential: one.credentialId,
    password: admin.password,
  })
  const token = await one.token({ provider: 'github', grant: second.id })
  assert.equal((await endOwn(url, token, id)).status, 404)
  assert.equal((await shownLease(world.broker, id)).state, 'live')
})

test('who acts for an agent ends what it asked for itself, and not the agent’s own', async () => {
  const { url } = world.broker
  const leasing = await world.leasing()
  const helper = await addHelper(world.broker, 'helper of leases')
  const own = await askLease(url, await leasing.token())
  const acting = await childOf(url, helper, await leasing.token({ may_act: [helper.id] }))
  const second = await addHelper(world.broker, 'second helper of leases')
  const beside = await childOf(url, second, await leasing.token({ may_act: [second.id] }))
  assert.equal((await endOwn(url, acting, String(own.json['id']))).status, 404)
  assert.ok(!(await read(acting, '/v1/leases/own')).text.includes(String(own.json['id'])))
  const theirs = await askLease(url, acting)
  assert.equal(theirs.status, 201, theirs.text)
  assert.match((await read(acting, '/v1/leases/own')).text, new RegExp(String(theirs.json['id'])))
  assert.equal((await endOwn(url, beside, String(theirs.json['id']))).status, 404)
  assert.ok(!(await read(beside, '/v1/leases/own')).text.includes(String(theirs.json['id'])))
  assert.equal((await endOwn(url, await leasing.token(), String(theirs.json['id']))).status, 200)
})

test('no capability reaches what only operators see, and no agent’s key gets one', async () => {
  const { url } = world.broker
  const leasing = await world.leasing()
  const token = await leasing.token()
  const { json } = await askLease(url, token)
  for (const path of ['/v1/leases', `/v1/leases/${String(json['id'])}`])
    assert.equal((await read(token, path)).status, 401, path)
  assert.equal((await askLease(url, leasing.agentKey)).status, 401)
  assert.equal((await askLease(url, world.broker.admin.bearer)).status, 401)
})

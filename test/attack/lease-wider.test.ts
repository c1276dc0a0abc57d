/** I4: what is handed out does no more than the capability that asked, whatever its grant allows. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { childOf } from '../support/delegation.ts'
import { askLease, openLeaseWorld, type Leasing, type LeaseWorld } from '../support/lease.ts'

const everything = 'read+write+destructive+secret+admin'
let world: LeaseWorld
let leasing: Leasing
before(async () => {
  world = await openLeaseWorld(undefined)
  leasing = await world.leasing({
    grant: { verbs: [everything], minted: 'reveal' },
    permissions: { contents: 'write', issues: 'write' },
  })
})
after(() => world.close())

const permissionsOf = (token: unknown) =>
  world.fickle.github.app?.tokens.get(String(token))?.permissions

const detailsOf = (verbs: readonly string[]) => ({
  provider: 'github',
  environment: leasing.environmentId,
  verbs,
})

test('a capability for reads gets what only reads', async () => {
  const token = await leasing.token(detailsOf(['read']))
  const { status, json, text } = await askLease(world.broker.url, token)
  assert.equal(status, 201, text)
  assert.deepEqual(permissionsOf(json['token']), {
    contents: 'read',
    issues: 'read',
    metadata: 'read',
  })
})

test('so does one that was exchanged from one for everything', async () => {
  const parent = await leasing.token()
  const by = { id: leasing.agentId, key: leasing.agentKey }
  const child = await childOf(world.broker.url, by, parent, { details: detailsOf(['read']) })
  const { json } = await askLease(world.broker.url, child)
  assert.equal(permissionsOf(json['token'])?.['contents'], 'read')
})

test('a capability that is narrower than any native credential gets none', async () => {
  const before = world.fickle.tokens()
  for (const verbs of [['repos/get'], ['read', 'issues/create'], ['read+write'], ['write']]) {
    const token = await leasing.token(detailsOf(verbs))
    const { status, json } = await askLease(world.broker.url, token)
    assert.deepEqual([status, json['code']], [403, 'not_handed_out'], verbs.join(' '))
  }
  assert.deepEqual(world.fickle.tokens(), before)
})

test('a capability from before its grant was narrowed gets none', async () => {
  const other = await world.leasing({
    grant: { verbs: [everything], minted: 'reveal' },
    permissions: { contents: 'write' },
  })
  const token = await other.token()
  const { password } = world.broker.admin
  const path = `/v1/grants/${other.grantId}`
  const narrowed = await world.broker.api('PATCH', path, { verbs: ['read'], password })
  // The App's plain permissions make it one that can still be handed out, to read.
  assert.equal(narrowed['hand_out'], true)
  const { status, json } = await askLease(world.broker.url, token)
  assert.deepEqual([status, json['code']], [403, 'not_handed_out'])
})

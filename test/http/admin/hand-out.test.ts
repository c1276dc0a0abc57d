/** Which grants an admin can have handed out, and what that takes. */
import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../../support/broker.ts'
import { askLease, openLeaseWorld, type LeaseWorld, type LeasingWish } from '../../support/lease.ts'

const password = adminPassword
let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined)
})
after(() => world.close())

test('no grant is handed out unless it is said', async () => {
  const { broker } = world
  const leasing = await world.leasing({ grant: { hand_out: undefined } })
  const grant = await broker.api('GET', `/v1/grants/${leasing.grantId}`)
  assert.equal(grant['hand_out'], false)
  const { status, json } = await askLease(broker.url, await leasing.token())
  assert.deepEqual([status, json['code']], [403, 'not_handed_out'])
})

const refused: Readonly<Record<string, LeasingWish>> = {
  'it asks a person, as it does by default': { grant: { approval: undefined } },
  'it asks a person about everything': { grant: { approval: 'always' } },
  'it has a constraint': {
    grant: { constraints: [{ path: 'path.repo', equals: 'app-staging' }] },
  },
  'its verbs name an operation': { grant: { verbs: ['repos/get'] } },
  'its environment is protected': { protected: true },
  'what it mints may read secrets': { permissions: { secrets: 'read' } },
  'it does everything, and redacts what is minted': {
    grant: { verbs: ['read+write+destructive+secret+admin'] },
  },
}
for (const [why, wish] of Object.entries(refused)) {
  test(`a grant is not made that is to be handed out where ${why}`, async () => {
    await assert.rejects(
      world.leasing(wish),
      /answered 400: .*"pointer":"\/hand_out"|\/v1\/grants answered 400/,
    )
  })
}

test('a credential that goes out itself is not handed out', async () => {
  const { broker } = world
  const leasing = await world.leasing()
  const plain = await broker.api<{ id: string }>('POST', '/v1/credentials', {
    name: 'plain',
    provider: 'github',
    environment: leasing.environmentId,
    secret: 'ghp_nobody00000000',
    password,
  })
  const body = { agent: leasing.agentId, credential: plain.id, approval: 'never', hand_out: true }
  await broker.api('POST', '/v1/grants', { ...body, password }, 400)
})

test('handing out takes the password, and ending it does not', async () => {
  const { broker } = world
  const leasing = await world.leasing({ grant: { hand_out: false } })
  const path = `/v1/grants/${leasing.grantId}`
  await broker.api('PATCH', path, { hand_out: true }, 403)
  await broker.api('PATCH', path, { hand_out: true, password: 'wrong' }, 403)
  const given = await broker.api('PATCH', path, { hand_out: true, password })
  assert.equal(given['hand_out'], true)
  const ended = await broker.api('PATCH', path, { hand_out: false })
  assert.equal(ended['hand_out'], false)
  const contrary = { hand_out: true, approval: 'always', password }
  await broker.api('PATCH', path, contrary, 400)
})

test('a grant is made stricter without a word about handing out, which ends with it', async () => {
  const { broker } = world
  const leasing = await world.leasing()
  const path = `/v1/grants/${leasing.grantId}`
  const stricter = await broker.api('PATCH', path, { approval: 'always' })
  assert.deepEqual([stricter['approval'], stricter['hand_out']], ['always', false])
})

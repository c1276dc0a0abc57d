/** Ending what was handed out: whatever it was given by, and however long the provider refuses to hear of it. */
import { after, afterEach, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, type TestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { getPage, signInCookie } from '../support/console.ts'
import { claimsOf } from '../support/delegation.ts'
import {
  appSecret,
  askLease,
  endOwn,
  openLeaseWorld,
  shownLease,
  type LeaseShown,
  type LeaseWorld,
  type Leasing,
} from '../support/lease.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'

const password = adminPassword

let clock = 0
let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined, {
    publicUrl: testPublicUrl,
    now: () => Date.now() + clock,
  })
})
afterEach(() => {
  world.fickle.meddle(undefined)
  clock = 0
})
after(() => world.close())

async function become(id: unknown, ...wanted: string[]) {
  return until(`it is ${wanted.join(' or ')}`, async (): Promise<LeaseShown | undefined> => {
    const shown = await shownLease(world.broker, id)
    return wanted.includes(shown.state) ? shown : undefined
  })
}

type HandedOut = {
  readonly id: string
  readonly capability: string
  readonly leasing: Leasing
  /** Whether the provider still takes it. */
  readonly works: () => boolean
}

async function handedOut(): Promise<HandedOut> {
  const leasing = await world.leasing()
  const capability = await leasing.token()
  const { status, json, text } = await askLease(world.broker.url, capability)
  assert.equal(status, 201, text)
  const works = () => world.fickle.tokens().includes(String(json['token']))
  assert.ok(works())
  return { id: String(json['id']), capability, leasing, works }
}

/** For as long as it lasts, the provider ends nothing. */
function endNothing(): void {
  world.fickle.meddle(({ method }) => (method === 'DELETE' ? { status: 503 } : undefined))
}

const ends: Readonly<Record<string, (broker: TestBroker, lease: HandedOut) => Promise<unknown>>> = {
  'its capability is revoked': (broker, { capability }) =>
    broker.api('POST', `/v1/capabilities/${String(claimsOf(capability)['jti'])}/revoke`, {}),
  'its grant is disabled': (broker, { leasing }) =>
    broker.api('POST', `/v1/grants/${leasing.grantId}/disable`, {}),
  'its grant is revoked': (broker, { leasing }) =>
    broker.api('POST', `/v1/grants/${leasing.grantId}/revoke`, {}),
  'its agent is disabled': (broker, { leasing }) =>
    broker.api('POST', `/v1/agents/${leasing.agentId}/disable`, {}),
  'its environment is disabled': (broker, { leasing }) =>
    broker.api('POST', `/v1/environments/${leasing.environmentId}/disable`, {}),
  'its environment becomes protected': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/environments/${leasing.environmentId}`, { protected: true }),
  'its environment is bound anew': (broker, { leasing }) =>
    broker.api('PUT', `/v1/environments/${leasing.environmentId}/bindings`, {
      bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app-prod' }],
      password,
    }),
  'its credential is disabled': (broker, { leasing }) =>
    broker.api('POST', `/v1/credentials/${leasing.credentialId}/disable`, {}),
  'its credential is revoked': (broker, { leasing }) =>
    broker.api('POST', `/v1/credentials/${leasing.credentialId}/revoke`, {}),
  'its credential is given another secret': (broker, { leasing }) =>
    broker.api('POST', `/v1/credentials/${leasing.credentialId}/versions`, {
      ...appSecret(),
      password,
    }),
  'its agent is frozen': (broker, { leasing }) =>
    broker.api('POST', '/v1/freezes', {
      scope: 'agent',
      subject: leasing.agentId,
      reason: 'test',
    }),
  'its environment is frozen': (broker, { leasing }) =>
    broker.api('POST', '/v1/freezes', {
      scope: 'environment',
      subject: leasing.environmentId,
      reason: 'test',
    }),
  'its provider is frozen': (broker) =>
    broker.api('POST', '/v1/freezes', { scope: 'provider', subject: 'github', reason: 'test' }),
  'everything is frozen': (broker) =>
    broker.api('POST', '/v1/freezes', { scope: 'everything', reason: 'test' }),
  'its grant hands nothing out any more': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { hand_out: false }),
  'its grant comes to ask a person': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { approval: 'always' }),
  'its grant comes to ask for a bound capability': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { require_dpop: true }),
  'its grant is narrowed to an operation': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { verbs: ['repos/get'], password }),
  'its grant is given a constraint': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, {
      constraints: [{ path: 'path.repo', equals: 'app-staging' }],
      password,
    }),
  'its grant allows a shorter life': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, { max_lifetime_seconds: 60, password }),
  'its grant ends before it': (broker, { leasing }) =>
    broker.api('PATCH', `/v1/grants/${leasing.grantId}`, {
      expires_at: new Date(Date.now() + 60_000).toISOString(),
      password,
    }),
}

for (const [what, act] of Object.entries(ends)) {
  test(`it is ended at the provider when ${what}`, async () => {
    const { broker } = world
    const lease = await handedOut()
    await act(broker, lease)
    const shown = await become(lease.id, 'revoked')
    assert.ok(!lease.works())
    assert.notEqual(shown.end_reason, null)
    const { items } = await broker.api<{ items: { id: string; lifted_at: string | null }[] }>(
      'GET',
      '/v1/freezes',
    )
    for (const { id, lifted_at } of items)
      if (lifted_at === null) await broker.api('POST', `/v1/freezes/${id}/lift`, { password })
  })
}

test('a grant that is narrowed back to all it was hands nothing out by itself', async () => {
  const { broker } = world
  const leasing = await world.leasing()
  const path = `/v1/grants/${leasing.grantId}`
  const narrowed = await broker.api('PATCH', path, { verbs: ['repos/get'], password })
  assert.equal(narrowed['hand_out'], false)
  const widened = await broker.api('PATCH', path, { verbs: ['read'], password })
  assert.equal(widened['hand_out'], false)
  const { json } = await askLease(broker.url, await leasing.token())
  assert.equal(json['code'], 'not_handed_out')
})

test('what the provider refuses to end is shown as such, everywhere, until it could be ended', async () => {
  const { fickle, broker } = world
  let refused = 0
  fickle.meddle(({ method }) => {
    if (method !== 'DELETE') return undefined
    refused++
    return { status: 503 }
  })
  const { id, capability, works } = await handedOut()
  const ended = await endOwn(broker.url, capability, id)
  assert.equal(ended.status, 200)
  const first = await become(id, 'could_not_revoke')
  assert.equal(first.attempts, 1)
  assert.match(String(first.last_error), /GitHub/)
  assert.ok(first.failing_since !== null && first.next_try_at !== null)
  const listed = await broker.api<{ items: { id: string; state: string }[] }>(
    'GET',
    '/v1/leases?state=could_not_revoke',
  )
  assert.deepEqual(
    listed.items.map((each) => [each.id, each.state]),
    [[id, 'could_not_revoke']],
  )
  const cookie = await signInCookie(broker, broker.admin.name)
  const page = await getPage(broker, '/leases', { cookie })
  assert.match(page.text, /Could not be revoked/)
  assert.ok(page.text.includes(id))
  assert.match((await getPage(broker, '/approvals', { cookie })).text, /could not be revoked/)

  let tried = 1
  while (tried < 5) {
    clock += 600_000
    tried = await until(`attempt ${String(tried + 1)} is over`, async () => {
      const lease = broker.broker.db.selectFrom('lease').where('id', '=', id as never)
      const { attempts, held_by } = await lease
        .select(['attempts', 'held_by'])
        .executeTakeFirstOrThrow()
      // Whoever moves the clock on while one is on its way has it taken away, and another begun.
      return attempts > tried && held_by === null ? attempts : undefined
    })
    assert.equal(refused, tried)
  }
  assert.equal((await shownLease(broker, id)).state, 'could_not_revoke')
  assert.ok(works())
  const said = (await entries(broker)).filter((entry) => entry['subject'] === id)
  const actions = said.map((entry) => entry['action'])
  // At the first, the second and the fourth.
  assert.equal(actions.filter((action) => action === 'lease.could_not_revoke').length, 3)
  assert.ok(tried < 8)

  fickle.meddle(undefined)
  // Nobody waits for the next attempt who asks for one.
  await broker.api('POST', `/v1/leases/${id}/revoke`, {})
  const last = await become(id, 'revoked')
  assert.equal(last.last_error, null)
  assert.ok(!works())
  assert.doesNotMatch((await getPage(broker, '/leases', { cookie })).text, /Could not be revoked/)
  assert.doesNotMatch(
    (await getPage(broker, '/approvals', { cookie })).text,
    /could not be revoked/,
  )
  const after = (await entries(broker)).map((entry) => entry['action'])
  assert.ok(after.includes('lease.revoked'))
})

test('it is tried until the token has stopped by itself, and no longer', async () => {
  const { broker } = world
  endNothing()
  const { id, capability } = await handedOut()
  await endOwn(broker.url, capability, id)
  await become(id, 'could_not_revoke')
  clock += 59 * 60_000
  await until('it was tried again', async () =>
    (await shownLease(broker, id)).attempts >= 2 ? true : undefined,
  )
  await become(id, 'could_not_revoke')
  clock += 3 * 60_000
  await become(id, 'expired')
})

test('of two replicas one tells the provider', async () => {
  const { fickle, broker } = world
  const other = await broker.replica()
  const told: string[] = []
  const wait = Promise.withResolvers<undefined>()
  fickle.meddle(({ method, target }) => {
    if (method !== 'DELETE') return undefined
    told.push(target)
    return wait.promise
  })
  const { id, capability } = await handedOut()
  await endOwn(broker.url, capability, id)
  await until('one tells it', () => (told.length > 0 ? true : undefined))
  for (let i = 0; i < 20; i++) {
    other.broker.deps.leases.wake()
    broker.broker.deps.leases.wake()
    // Each wake is over when a query that was asked after it has been answered.
    await shownLease(broker, id)
  }
  wait.resolve(undefined)
  await become(id, 'revoked')
  assert.equal(told.length, 1)
})

test('another replica goes on where one died at it', async () => {
  const { broker } = world
  const { id } = await handedOut()
  await broker.broker.db
    .updateTable('lease')
    .set({
      state: 'revoking',
      ended_by: 'broker',
      end_reason: 'test',
      next_try_at: new Date(),
      held_by: 'rep_gone' as never,
      held_until: new Date(Date.now() - 1_000),
      attempts: 1,
    })
    .where('id', '=', id as never)
    .execute()
  await become(id, 'revoked')
})

test('a revoked credential’s secret is kept for as long as it must end what it minted', async () => {
  const { fickle, broker } = world
  endNothing()
  const { id, leasing, works } = await handedOut()
  const versions = async () =>
    (
      await broker.broker.db
        .selectFrom('credential_version')
        .select('version')
        .where('credential_id', '=', leasing.credentialId as never)
        .execute()
    ).length
  await broker.api('POST', `/v1/credentials/${leasing.credentialId}/revoke`, {})
  await become(id, 'could_not_revoke')
  assert.equal(await versions(), 1)
  const { json } = await askLease(broker.url, await leasing.token().catch(() => 'none'))
  assert.notEqual(json['token'], 'string')
  fickle.meddle(undefined)
  await broker.api('POST', `/v1/leases/${id}/revoke`, {})
  await become(id, 'revoked')
  assert.ok(!works())
  await until('its secret is gone', async () => ((await versions()) === 0 ? true : undefined))
})

test('an admin’s word that it was ended by hand takes their password', async () => {
  const { broker } = world
  endNothing()
  const { id, capability } = await handedOut()
  await broker.api('POST', `/v1/leases/${id}/close`, { password }, 409)
  await endOwn(broker.url, capability, id)
  await become(id, 'could_not_revoke')
  await broker.api('POST', `/v1/leases/${id}/close`, { password: 'wrong' }, 403)
  await broker.api('POST', `/v1/leases/${id}/close`, { password })
  const shown = await shownLease(broker, id)
  assert.equal(shown.state, 'revoked')
  assert.match(shown.detail, /operator says/)
})

import { after, afterEach, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { mostLeases } from '../../../src/lease/terms.ts'
import { answerOf } from '../../support/world.ts'
import {
  askLease,
  endOwn,
  openLeaseWorld,
  shownLease,
  type LeaseWorld,
} from '../../support/lease.ts'
import { until } from '../../support/until.ts'

let clock = 0
let world: LeaseWorld
before(async () => {
  world = await openLeaseWorld(undefined, { now: () => Date.now() + clock })
})
afterEach(() => {
  world.fickle.meddle(undefined)
  clock = 0
})
after(() => world.close())

const everything = ['read+write+destructive+secret+admin']

test('a native credential is handed out once, for the repositories of the environment, to read', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const answer = await askLease(broker.url, await leasing.token(), { seconds: 120 })
  assert.equal(answer.status, 201, answer.text)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  const token = String(answer.json['token'])
  assert.ok(fickle.tokens().includes(token))
  const own = fickle.github.app?.tokens.get(token)
  assert.deepEqual([...(own?.repositories ?? [])], ['acme/app-staging'])
  assert.deepEqual(own?.permissions, { contents: 'read', issues: 'read', metadata: 'read' })
  assert.deepEqual(answer.json['use'], {
    style: 'bearer',
    header: 'authorization',
    prefix: 'Bearer ',
    signs: null,
  })
  assert.equal(answer.json['origin'], fickle.origin)
  assert.deepEqual(answer.json['narrowing'], {
    bindings: [{ kind: 'repository', id: 'acme/app-staging' }],
    read_only: true,
    seconds: 120,
  })
  const left = Date.parse(String(answer.json['expires_at'])) - Date.now()
  assert.ok(left > 100_000 && left <= 120_500, String(left))
  const shown = await shownLease(broker, answer.json['id'])
  assert.equal(shown.state, 'live')
  const listed = await broker.api('GET', '/v1/leases')
  const own2 = await ownList(broker.url, await leasing.token())
  for (const view of [shown, listed, own2.json]) {
    assert.ok(!JSON.stringify(view).includes(token))
    assert.match(JSON.stringify(view), new RegExp(String(answer.json['id'])))
  }
})

async function ownList(url: string, token: string) {
  return answerOf(
    await fetch(`${url}/v1/leases/own`, { headers: { authorization: `Bearer ${token}` } }),
  )
}

async function state(id: unknown, wanted: string) {
  return until(`it is ${wanted}`, async () => {
    const shown = await shownLease(world.broker, id)
    return shown.state === wanted ? shown : undefined
  })
}

test('what everything is allowed to, is handed out with all that the App has', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing({
    grant: { verbs: everything, minted: 'reveal' },
    permissions: { contents: 'write' },
  })
  const answer = await askLease(broker.url, await leasing.token())
  assert.equal(answer.status, 201, answer.text)
  const own = fickle.github.app?.tokens.get(String(answer.json['token']))
  assert.deepEqual(own?.permissions, { contents: 'write', metadata: 'read' })
})

test('an agent ends it early, and the provider is told', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  const { json } = await askLease(broker.url, token)
  const ended = await endOwn(broker.url, token, String(json['id']))
  assert.equal(ended.status, 200, ended.text)
  await state(json['id'], 'revoked')
  assert.ok(!fickle.tokens().includes(String(json['token'])))
  const row = await broker.broker.db
    .selectFrom('lease')
    .select(['sealed_token', 'kek_id', 'ended_by'])
    .where('id', '=', json['id'] as never)
    .executeTakeFirstOrThrow()
  assert.deepEqual(row, { sealed_token: null, kek_id: null, ended_by: leasing.agentId })
  const again = await endOwn(broker.url, token, String(json['id']))
  assert.equal(again.json['state'], 'revoked')
})

test('it is revoked at its end, though the provider would let it live for an hour', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const { json } = await askLease(broker.url, await leasing.token(), { seconds: 60 })
  const token = String(json['token'])
  assert.ok(fickle.tokens().includes(token))
  clock += 59_000
  broker.broker.deps.leases.wake()
  assert.equal((await shownLease(broker, json['id'])).state, 'live')
  clock += 2_000
  await state(json['id'], 'revoked')
  assert.ok(!fickle.tokens().includes(token))
})

test('an admin lists and revokes it; an auditor only lists', async () => {
  const { broker } = world
  const leasing = await world.leasing()
  const { json } = await askLease(broker.url, await leasing.token())
  const id = String(json['id'])
  const open = await broker.api<{ items: { id: string }[] }>(
    'GET',
    `/v1/leases?grant=${leasing.grantId}`,
  )
  assert.deepEqual(
    open.items.map((each) => each.id),
    [id],
  )
  await broker.api('POST', `/v1/leases/${id}/revoke`, {})
  await state(id, 'revoked')
  const after = await broker.api<{ items: unknown[] }>('GET', `/v1/leases?grant=${leasing.grantId}`)
  assert.deepEqual(after.items, [])
  const all = await broker.api<{ items: unknown[] }>(
    'GET',
    `/v1/leases?state=any&grant=${leasing.grantId}`,
  )
  assert.equal(all.items.length, 1)
  await broker.api('POST', `/v1/leases/${id}/revoke`, {}, 409)
})

test('who asked, and how narrow, is on record before it is minted; what came of it before it is answered', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const said = async (): Promise<Record<string, unknown>[]> => {
    const rows = await broker.broker.db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('kind', '=', 'admin')
      .orderBy('id')
      .execute()
    return rows
      .map(({ canonical }) => JSON.parse(canonical) as Record<string, unknown>)
      .filter((each) => each['action'] === 'lease.hand_out' && each['grantId'] === leasing.grantId)
  }
  let before: Record<string, unknown>[] = []
  fickle.meddle(async ({ target }) => {
    if (target.endsWith('/access_tokens')) before = await said()
    return undefined
  })
  const { json } = await askLease(broker.url, await leasing.token(), { seconds: 90 })
  fickle.meddle(undefined)
  const token = String(json['token'])
  assert.equal(before.length, 1)
  const [intent] = before
  assert.equal(intent?.['subject'], json['id'])
  assert.equal((intent?.['actor'] as { id: string } | undefined)?.id, leasing.agentId)
  assert.equal(intent?.['grantId'], leasing.grantId)
  assert.match(JSON.stringify(intent?.['change']), /"readOnly":true.*"seconds":90|"seconds":90/)
  const [, outcome] = await said()
  const digest = await crypto.subtle.digest('SHA-256', Buffer.from(token))
  assert.equal(
    (outcome?.['change'] as { digest: string } | undefined)?.digest,
    Buffer.from(digest).toString('hex'),
  )
  const everythingSaid = await broker.broker.db
    .selectFrom('audit_batch')
    .select('entries')
    .execute()
  assert.ok(!JSON.stringify(everythingSaid).includes(token))
})

test('only so many of one grant work at once', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  const answers = await Promise.all(
    Array.from({ length: mostLeases + 3 }, () => askLease(broker.url, token)),
  )
  const given = answers.filter(({ status }) => status === 201)
  assert.equal(given.length, mostLeases)
  for (const { json } of given) assert.ok(fickle.tokens().includes(String(json['token'])))
  const refused = answers.find(({ status }) => status !== 201)
  assert.deepEqual([refused?.status, refused?.json['code']], [429, 'lease_limited'], refused?.text)
  const first = String(given[0]?.json['id'])
  await endOwn(broker.url, token, first)
  await state(first, 'revoked')
  assert.equal((await askLease(broker.url, token)).status, 201)
})

test('what the provider did not end yet counts too', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  fickle.meddle(({ method }) => (method === 'DELETE' ? { status: 503 } : undefined))
  for (let i = 0; i < mostLeases; i++) {
    const { json } = await askLease(broker.url, token)
    await endOwn(broker.url, token, String(json['id']))
    await state(json['id'], 'could_not_revoke')
  }
  assert.equal((await askLease(broker.url, token)).json['code'], 'lease_limited')
  fickle.meddle(undefined)
})

test('the limit of the grant holds for them', async () => {
  const { broker } = world
  const leasing = await world.leasing({ grant: { requests_per_minute: 1 } })
  const token = await leasing.token()
  assert.equal((await askLease(broker.url, token)).status, 201)
  assert.equal((await askLease(broker.url, token)).json['code'], 'rate_limited')
})

test('nothing is handed out but what is asked for as it must be', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  const before = fickle.tokens()
  const codes = async (body: Record<string, unknown>) => {
    const { status, json } = await askLease(broker.url, token, body)
    return [status, json['code']]
  }
  assert.deepEqual(await codes({ provider: 'railway' }), [400, 'invalid_request'])
  assert.deepEqual(await codes({ seconds: 59 }), [400, 'invalid_request'])
  assert.deepEqual(await codes({ seconds: 901 }), [400, 'invalid_request'])
  assert.deepEqual(await codes({ read_only: false }), [400, 'invalid_request'])
  assert.deepEqual(await codes({ seconds: '60' }), [400, 'invalid_request'])
  const nobody = await askLease(broker.url, 'nothing')
  assert.equal(nobody.status, 401)
  // Those of other tests may end at any moment.
  const since = fickle.tokens().filter((each) => !before.includes(each))
  assert.deepEqual(since, [])
  assert.equal((await askLease(broker.url, token, { provider: 'github' })).status, 201)
})

test('what the provider does not mint is not handed out, and says so', async () => {
  const { fickle, broker } = world
  const leasing = await world.leasing()
  const token = await leasing.token()
  const minting = ({ target }: { target: string }) => target.endsWith('/access_tokens')
  fickle.meddle((request) => (minting(request) ? { status: 422 } : undefined))
  const refused = await askLease(broker.url, token)
  assert.deepEqual([refused.status, refused.json['code']], [502, 'upstream_failed'], refused.text)
  fickle.meddle((request) => (minting(request) ? { status: 500 } : undefined))
  const away = await askLease(broker.url, token)
  assert.deepEqual([away.status, away.json['code']], [502, 'upstream_unreachable'], away.text)
  fickle.meddle(undefined)
  const { items } = await broker.api<{ items: { state: string; last_error: string }[] }>(
    'GET',
    `/v1/leases?state=any&grant=${leasing.grantId}`,
  )
  assert.deepEqual(
    items.map(({ state }) => state),
    ['not_minted', 'not_minted'],
  )
})

test('a capability for one operation is told that it is the capability which is narrower', async () => {
  const leasing = await world.leasing()
  const token = await leasing.token({ verbs: ['repos/get'] })
  const { status, json } = await askLease(world.broker.url, token)
  assert.deepEqual([status, json['code']], [403, 'not_handed_out'])
  assert.match(String(json['detail']), /^this capability allows less .*its verbs are narrower/)
})

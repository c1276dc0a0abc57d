/** Just-in-time access, from the refusal to the end of what was given. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { openAsking, rename } from '../support/asking.ts'
import { entries } from '../support/stage.ts'
import { railway } from '../support/world.ts'

test('an agent that lacks a verb asks, a person grants less, and it ends by itself', async (t) => {
  const { broker, granted, approver, clock, upstream, ask, own, grant } = await openAsking(t)
  const base = await granted.token()
  const refused = await railway(broker.url, base, rename)
  assert.equal(refused.json['code'], 'verb_missing')

  const answer = await ask(base, {
    verbs: [...(refused.json['missing_verbs'] as string[]), 'read', 'environmentDelete'],
    duration_seconds: 7_200,
    environment: 'pocketos/staging',
    reason: 'renaming\u202e it\nfor the release',
  })
  assert.equal(answer.status, 201)
  const { id, poll } = answer.json as { id: string; poll: string }
  assert.equal(answer.headers.get('location'), poll)
  assert.equal(answer.json['state'], 'pending')
  assert.equal(answer.json['environment'], 'pocketos/staging')
  assert.equal((await railway(broker.url, base, rename)).json['code'], 'verb_missing')

  const seen = (await approver.send('GET', `/v1/access-requests/${id}`)).body
  assert.equal(seen['words'], 'renaming\u202e it\nfor the release')
  assert.equal(seen['filed_by'], null)
  assert.deepEqual(seen['verbs'], [
    { verb: 'environmentDelete', effects: ['write', 'destructive'], only_admins: false },
    { verb: 'environmentRename', effects: ['write'], only_admins: false },
    { verb: 'read', effects: ['read'], only_admins: false },
  ])

  const body = { verbs: ['environmentRename'], duration_seconds: 600 }
  const given = await grant(approver, id, body)
  assert.equal(given.status, 200, JSON.stringify(given.body))
  const polled = await own(await granted.token(), `/${id}`)
  assert.equal(polled.json['state'], 'granted')
  const made = polled.json['granted'] as { grant: string; verbs: string[]; expires_at: string }
  assert.deepEqual(made.verbs, ['environmentRename'])
  const left = Date.parse(made.expires_at) - Date.now()
  assert.ok(left > 590_000 && left <= 600_000)

  const kept = await broker.api('GET', `/v1/grants/${made.grant}`)
  const under = await broker.api('GET', `/v1/grants/${granted.grantId}`)
  for (const same of ['agent', 'environment', 'credential', 'provider', 'catalogue_version'])
    assert.equal(kept[same], under[same], same)
  assert.equal(kept['approval'], 'destructive')
  assert.equal(kept['created_by'], approver.operatorId)

  const wider = await granted.token({ grant: made.grant })
  assert.equal((await railway(broker.url, wider, rename)).status, 200)
  assert.equal(upstream.received.length, 1)
  // Asking for a capability as before means what it meant before.
  assert.equal((await railway(broker.url, await granted.token(), rename)).status, 403)

  clock.ahead = 601
  assert.equal((await railway(broker.url, wider, rename)).status, 401)
  await assert.rejects(granted.token({ grant: made.grant }), /no active grant/)
  assert.equal(upstream.received.length, 1)

  const steps = (await entries(broker))
    .filter((entry) => String(entry['action']).startsWith('access_request.'))
    .map((entry) => [entry['action'], entry['result'], (entry['actor'] as { kind: string }).kind])
  assert.deepEqual(steps, [
    ['access_request.ask', 'done', 'agent'],
    ['access_request.prepare', 'done', 'operator'],
    ['access_request.grant', 'done', 'operator'],
  ])
})

test('what can never help is refused with its name, and on record', async (t) => {
  const { broker, granted, ask } = await openAsking(t)
  const token = await granted.token()
  const wrong = await ask(token, { verbs: ['environmentRename', 'volumeDestory'] })
  assert.equal(wrong.status, 400)
  assert.match(String(wrong.json['detail']), /volumeDestory/)
  assert.deepEqual(wrong.json['errors'], [
    { pointer: '/verbs/1', detail: 'there is no operation "volumeDestory"' },
  ])
  assert.equal((await ask(token, { verbs: ['read'] })).json['code'], 'conflict', 'it has that')
  for (const body of [
    {},
    { verbs: [] },
    { verbs: ['environmentRename'], duration_seconds: 59 },
    { verbs: ['environmentRename'], duration_seconds: 28_801 },
    { verbs: ['environmentRename'], grant: granted.grantId },
    { verbs: ['environmentRename'], approval: 'never' },
    { verbs: ['environmentRename'], reason: 'nul \u0000' },
  ])
    assert.equal((await ask(token, body)).status, 400, JSON.stringify(body))
  const refusals = (await entries(broker)).filter(
    (entry) => entry['action'] === 'access_request.ask' && entry['result'] === 'refused',
  )
  assert.equal(refusals.length, 9)
})

test('the same twice is one, ten wait at most, and the words are cut', async (t) => {
  const { broker, granted, approver, ask, clock } = await openAsking(t)
  const replica = await broker.replica()
  const token = await granted.token()
  const many = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      ask(
        token,
        { verbs: ['environmentRename'], reason: '🧨'.repeat(600) },
        i % 2 === 0 ? broker.url : replica.url,
      ),
    ),
  )
  assert.deepEqual([...new Set(many.map(({ status }) => status))], [201])
  const [id, ...others] = new Set(many.map(({ json }) => String(json['id'])))
  assert.deepEqual(others, [])
  const seen = (await approver.send('GET', `/v1/access-requests/${String(id)}`)).body
  assert.equal(seen['times'], 12)
  assert.equal(Array.from(String(seen['words'])).length, 500)

  const flood = await Promise.all(
    Array.from({ length: 14 }, (_, i) =>
      ask(
        token,
        { verbs: ['environmentRename'], duration_seconds: 60 + i },
        i % 2 === 0 ? broker.url : replica.url,
      ),
    ),
  )
  assert.equal(flood.filter(({ status }) => status === 201).length, 9)
  assert.equal(flood.filter(({ json }) => json['code'] === 'conflict').length, 5)

  clock.ahead = 86_401
  const later = await granted.token()
  assert.equal((await ask(later, { verbs: ['environmentRename'] })).status, 201)
  const expired = await approver.send('GET', '/v1/access-requests?state=expired')
  assert.equal((expired.body['items'] as unknown[]).length, 10)
  const entriesOfExpiry = (await entries(broker)).filter(
    (entry) => entry['action'] === 'access_request.expire',
  )
  assert.equal(entriesOfExpiry.length, 10)
})

test('none of what was denied can be asked again for ten minutes, in other words neither', async (t) => {
  const { granted, approver, ask, asked, own, clock } = await openAsking(t)
  const id = await asked({ verbs: ['environmentRename', 'volumeDelete'] })
  assert.equal((await approver.send('POST', `/v1/access-requests/${id}/deny`, {})).status, 200)
  const token = await granted.token()
  const polled = await own(token, `/${id}`)
  assert.equal(polled.json['state'], 'denied')
  for (const body of [
    { verbs: ['environmentRename', 'volumeDelete'] },
    { verbs: ['mutation:volumeDelete'] },
    { verbs: ['volumeDelete+destructive', 'volumeCreate'], duration_seconds: 61 },
  ]) {
    const again = await ask(token, body)
    assert.equal(again.json['code'], 'conflict')
    assert.equal(again.json['denied'], id)
    assert.equal(again.json['ask_again_at'], polled.json['ask_again_at'])
  }
  assert.equal((await ask(token, { verbs: ['volumeCreate'] })).status, 201, 'something else')
  clock.ahead = 601
  const later = await granted.token()
  const again = await ask(later, { verbs: ['volumeDelete'] })
  assert.equal(again.status, 201)
  const seen = await approver.send('GET', `/v1/access-requests/${String(again.json['id'])}`)
  assert.equal(seen.body['denied_before'], 1)
})

test('two approvers at once: one grant is made, and an answer is for ever', async (t) => {
  const { broker, approver, owners, asked, person, touched } = await openAsking(t)
  const bob = await person('bob', ['admin'])
  await owners(approver, bob)
  const replica = await broker.replica()
  const id = await asked()
  const path = `/v1/access-requests/${id}`
  const one = await touched(approver, id)
  const other = await touched(bob, id)
  const results = await Promise.all([one(), other(replica.url), one(replica.url), other()])
  assert.deepEqual(
    results.map(({ status }) => status).sort((a, b) => a - b),
    [200, 409, 409, 409],
  )
  const grants = await broker.api<{ items: unknown[] }>('GET', '/v1/grants')
  assert.equal(grants.items.length, 2, 'the one it was asked under, and one')
  assert.equal((await bob.send('POST', `${path}/deny`, {})).status, 409)
})

test('operators list what waits, by state, agent and environment, and page through it', async (t) => {
  const { approver, asked, granted, own } = await openAsking(t)
  const ids: string[] = []
  for (let i = 0; i < 3; i++)
    ids.push(await asked({ verbs: ['environmentRename'], duration_seconds: 60 + i }))
  const list = async (query: string) => {
    const { body } = await approver.send('GET', `/v1/access-requests?${query}`)
    return body as { items: { id: string }[]; next_cursor?: string }
  }
  const first = await list('state=pending&limit=2')
  const rest = await list(`state=pending&limit=2&cursor=${String(first.next_cursor)}`)
  assert.deepEqual(
    [...first.items, ...rest.items].map((item) => item.id),
    ids,
  )
  assert.equal((await list('state=granted')).items.length, 0)
  assert.equal((await list(`agent=${granted.agentId}`)).items.length, 3)
  assert.equal((await list(`environment=env_${'0'.repeat(26)}`)).items.length, 0)
  const mine = await own(await granted.token(), '?limit=2')
  assert.equal((mine.json['items'] as unknown[]).length, 2)
})

test('whoever finds at the last moment that somebody was first leaves no grant behind', async (t) => {
  const { broker, approver, asked, grant } = await openAsking(t)
  const id = await asked()
  // As if the row were another's by the time of the update, which then finds nothing to settle.
  await sql`
    create function passed_over() returns trigger language plpgsql as 'begin return null; end'
  `.execute(broker.broker.db)
  await sql`
    create trigger passed_over before update on access_request
    for each row execute function passed_over()
  `.execute(broker.broker.db)
  assert.equal((await grant(approver, id)).status, 409)
  assert.equal((await approver.send('POST', `/v1/access-requests/${id}/deny`, {})).status, 409)
  const grants = await broker.api<{ items: unknown[] }>('GET', '/v1/grants')
  assert.equal(grants.items.length, 1)
})

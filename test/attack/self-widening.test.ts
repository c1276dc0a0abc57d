/**
 * An agent that would give itself more than it has: through its own request for access, through whoever answers it, or
 * through what becomes of the grant afterwards. Only a person adds to what an agent may do, never whoever asked, and never
 * more than they may give themselves.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { openAsking, rename } from '../support/asking.ts'
import { adminPassword } from '../support/broker.ts'
import { openBrowser } from '../support/browser.ts'
import { railwayIds } from '../support/railway-world.ts'
import { entries } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { answerOf, railway, tokenRequest } from '../support/world.ts'

const remove = { query: `mutation { environmentDelete(id: "${railwayIds.staging}") }` }

test('an agent', async (t) => {
  const { broker, granted, approver, asked, ask, own, grant } = await openAsking(t)
  const id = await asked()
  const token = await granted.token()
  const post = async (path: string, headers: Record<string, string>, body: unknown) =>
    answerOf(
      await fetch(`${broker.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    )
  const grants = async () =>
    (await broker.api<{ items: unknown[] }>('GET', '/v1/grants')).items.length

  await t.test('cannot answer its own request, with whatever it holds', async () => {
    for (const authorization of [
      `Bearer ${token}`,
      `Bearer ${granted.agentKey}`,
      `Basic ${Buffer.from(`${granted.agentId}:${granted.agentKey}`).toString('base64')}`,
    ]) {
      for (const act of ['grant', 'deny']) {
        const body = act === 'grant' ? { password: adminPassword } : {}
        const answer = await post(`/v1/access-requests/${id}/${act}`, { authorization }, body)
        assert.equal(answer.status, 401)
      }
    }
    assert.equal(await grants(), 1)
    assert.equal((await own(token, `/${id}`)).json['state'], 'pending')
  })

  await t.test(
    'gets nowhere with the bearer that an operator’s CLI has stored, password and all',
    async () => {
      for (const by of [approver, await openBrowser(broker, broker.admin.name)]) {
        const body = { password: adminPassword }
        const prepared = await by.asCli('POST', `/v1/access-requests/${id}/options`, body)
        assert.equal(prepared.status, 403)
        const given = await by.asCli('POST', `/v1/access-requests/${id}/grant`, body)
        assert.equal(given.status, 403)
        assert.equal((await by.asCli('POST', `/v1/access-requests/${id}/deny`, {})).status, 403)
      }
      assert.equal(await grants(), 1)
    },
  )

  await t.test('does not ask with anything but a capability that is good', async () => {
    const ofOperator = broker.admin.bearer
    for (const bad of [ofOperator, granted.agentKey, `${token}x`, 'x.y.z'])
      assert.equal((await ask(bad, { verbs: ['volumeCreate'] })).json['code'], 'capability_invalid')
    const none = await post('/v1/access-requests', {}, { verbs: ['volumeCreate'] })
    assert.equal(none.json['code'], 'capability_missing')
    assert.ok(none.headers.get('www-authenticate'))
    const twice = await fetch(`${broker.url}/v1/access-requests`, {
      method: 'POST',
      headers: [
        ['content-type', 'application/json'],
        ['authorization', `Bearer ${token}, Bearer ${token}`],
      ],
      body: '{"verbs":["volumeCreate"]}',
    })
    assert.equal(twice.status, 401)
  })

  await t.test('does not ask for another environment, nor learn whether there is one', async () => {
    await broker.api('POST', '/v1/environments', {
      name: 'pocketos/production',
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.production }],
    })
    const answers = await Promise.all(
      ['pocketos/production', 'pocketos/nowhere'].map((environment) =>
        ask(token, { verbs: ['environmentRename'], environment }),
      ),
    )
    const [one, other] = answers.map(({ json }) => ({ ...json, correlation_id: '' }))
    assert.equal(one?.['code' as never], 'environment_outside')
    assert.deepEqual(one, other)
  })

  await t.test('does not see what another asked for', async () => {
    const { agent, key } = await broker.api<{ agent: { id: string }; key: string }>(
      'POST',
      '/v1/agents',
      { name: 'another' },
    )
    await broker.api('POST', '/v1/grants', {
      agent: agent.id,
      credential: granted.credentialId,
      password: adminPassword,
    })
    const { body } = await tokenRequest(broker.url, agent.id, key)
    const theirs = String(body['access_token'])
    const missing = await own(theirs, `/acc_${'0'.repeat(26)}`)
    const found = await own(theirs, `/${id}`)
    assert.equal(found.status, 404)
    assert.deepEqual({ ...found.json, correlation_id: '' }, { ...missing.json, correlation_id: '' })
    assert.deepEqual((await own(theirs)).json['items'], [])
  })

  await t.test('widens no capability that it has, once access was granted', async () => {
    assert.equal((await grant(approver, id)).status, 200)
    assert.equal((await railway(broker.url, token, rename)).json['code'], 'verb_missing')
    const made = (await own(token, `/${id}`)).json['granted'] as { grant: string }
    const wider = await granted.token({ grant: made.grant })
    assert.equal((await railway(broker.url, wider, rename)).status, 200)
    const more = await tokenRequest(broker.url, granted.agentId, granted.agentKey, {
      grant: made.grant,
      verbs: ['environmentDelete'],
    })
    assert.equal(more.status, 400)
    // Nor builds a second time on top of the first.
    const chained = await ask(wider, { verbs: ['environmentDelete'] })
    assert.equal(chained.json['code'], 'conflict')
    assert.match(String(chained.json['detail']), new RegExp(granted.grantId))
  })
})

test('whoever answers', async (t) => {
  const { broker, granted, approver, owners, asked, grant, person, touched } = await openAsking(t)
  const carol = await person('carol', ['approver'])
  const admin = await person('bob', ['admin'])
  const code = (answer: { body: Record<string, unknown> }) => answer.body['code']

  await t.test('does not grant what they asked for on the agent’s behalf', async () => {
    await owners(approver, admin)
    const path = `/v1/agents/${granted.agentId}/access-requests`
    const wish = { grant: granted.grantId, verbs: ['environmentRename'], duration_seconds: 61 }
    const filed = await approver.send('POST', path, wish)
    assert.equal(filed.status, 201)
    const id = String(filed.body['id'])
    assert.equal(filed.body['filed_by'], approver.operatorId)
    assert.equal(code(await grant(approver, id)), 'forbidden')
    // The agent that asks the same does not make it theirs to grant.
    const token = await granted.token()
    const same = await fetch(`${broker.url}/v1/access-requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ verbs: wish.verbs, duration_seconds: 61 }),
    })
    assert.equal(((await same.json()) as { id: string }).id, id)
    assert.equal(code(await grant(approver, id)), 'forbidden')
    assert.equal((await grant(admin, id)).status, 200)
  })

  await t.test('must own the environment, where it has owners; an admin too', async () => {
    await owners(approver)
    const id = await asked({ verbs: ['environmentRename'], duration_seconds: 62 })
    assert.equal(code(await grant(admin, id)), 'forbidden')
    assert.equal((await grant(approver, id)).status, 200)
    await owners()
    const next = await asked({ verbs: ['environmentRename'], duration_seconds: 63 })
    assert.equal((await grant(admin, next)).status, 200)
  })

  await t.test('gives the password again, and approves', async () => {
    await owners()
    const id = await asked({ verbs: ['environmentRename'], duration_seconds: 64 })
    const wrong = { password: 'not it' }
    assert.equal(code(await grant(approver, id, wrong)), 'password_required')
    const auditor = await openBrowser(broker, 'eve', ['auditor'])
    assert.equal(code(await grant(auditor, id)), 'forbidden')
    assert.equal((await auditor.send('GET', `/v1/access-requests/${id}`)).status, 200)
    assert.equal(
      code(await auditor.send('POST', `/v1/access-requests/${id}/deny`, {})),
      'forbidden',
    )
  })

  await t.test('gives no more than was asked, in verbs or in time', async () => {
    const id = await asked({ verbs: ['environmentRename', 'volume*'], duration_seconds: 65 })
    for (const body of [
      { verbs: ['environmentDelete'] },
      { verbs: ['environmentRename', 'write'] },
      { verbs: ['volumeDelete'] },
      { verbs: ['environmentRename+secret'] },
      { duration_seconds: 66 },
    ])
      assert.equal(code(await grant(approver, id, body)), 'invalid_request', JSON.stringify(body))
    const given = await grant(approver, id, { verbs: ['volumeCreate'] })
    assert.deepEqual((given.body['granted'] as { verbs: unknown }).verbs, ['volumeCreate'])
  })

  await t.test('gives no more than they may: an approver is no admin', async () => {
    const wishes = [
      ['projectMemberAdd'],
      ['projectTokenCreate'],
      ['environmentRename', 'read+secret'],
      ['read+write+destructive'],
      ['variableUpsert+admin'],
    ]
    for (const [i, verbs] of wishes.entries()) {
      const id = await asked({ verbs, duration_seconds: 100 + i })
      assert.equal(code(await grant(approver, id)), 'forbidden', verbs.join())
      assert.equal((await grant(admin, id)).status, 200, verbs.join())
    }
  })

  await t.test('must still approve when the answer takes effect', async () => {
    const id = await asked({ verbs: ['environmentRename'], duration_seconds: 67 })
    const { db } = broker.broker
    const send = await touched(carol, id)
    // Held up where the touch is used up, after all else was looked at, and demoted meanwhile.
    const given = await db.transaction().execute(async (tx) => {
      await sql`lock table passkey in exclusive mode`.execute(tx)
      const pending = send()
      await until('the answer waits', async () => {
        const { rows } = await sql`
          select 1 from pg_locks where relation = 'passkey'::regclass and not granted
        `.execute(tx)
        return rows.length > 0 ? true : undefined
      })
      await tx
        .updateTable('operator')
        .set({ roles: ['auditor'] })
        .where('name', '=', 'carol')
        .execute()
      return { pending }
    })
    assert.equal(code(await given.pending), 'forbidden')
    assert.equal(code(await grant(carol, id)), 'forbidden')
  })
})

test('a grant made for a time', async (t) => {
  const { broker, granted, approver, clock, asked, own, grant, touched } = await openAsking(t, {
    grant: {
      verbs: ['read'],
      approval: 'never',
      constraints: [{ path: 'input.name', operations: ['environmentRename'], equals: 's' }],
      minted: 'reveal',
      requests_per_minute: 1_000,
    },
  })
  async function made(body: Record<string, unknown>): Promise<string> {
    const id = await asked(body)
    const given = await grant(approver, id)
    assert.equal(given.status, 200, JSON.stringify(given.body))
    return (given.body['granted'] as { grant: string }).grant
  }
  const verbs = ['environmentRename', 'environmentDelete']
  const first = await made({ verbs, duration_seconds: 3_600 })
  const use = async (request: object, of = first): Promise<unknown> => {
    const token = await granted.token({ grant: of })
    const answer = await railway(broker.url, token, request as Record<string, unknown>)
    return answer.status === 200 ? 'allowed' : answer.json['code']
  }
  const state = (kind: string, id: string, act: string) =>
    broker.api(
      'POST',
      `/v1/${kind}/${id}/${act}`,
      act === 'enable' ? { password: adminPassword } : {},
    )

  const elsewhere = { query: rename.query.replace('"s"', '"production"') }
  await t.test('has the limits of the one it was asked under, or stricter ones', async () => {
    const grantOf = await broker.api('GET', `/v1/grants/${first}`)
    assert.equal(grantOf['approval'], 'destructive', 'although the other never asks')
    assert.equal(grantOf['minted'], 'redact', 'although the other reveals')
    assert.equal(grantOf['requests_per_minute'], 1_000)
    assert.equal(await use(rename), 'allowed')
    assert.equal(await use(elsewhere), 'argument_forbidden')
    assert.equal(await use(remove), 'approval_required')
  })

  await t.test('follows when an admin tightens that one', async () => {
    const path = `/v1/grants/${granted.grantId}`
    const constraints = [{ path: 'input.name', operations: ['environmentRename'], equals: 'other' }]
    await broker.api('PATCH', path, { constraints, password: adminPassword })
    assert.equal(await use(rename), 'argument_forbidden')
    await broker.api('PATCH', path, { constraints: [], password: adminPassword })
    await broker.api('PATCH', path, { approval: 'always' })
    assert.equal(await use(rename), 'approval_required')
    assert.equal(await use(elsewhere), 'argument_forbidden', 'its own constraint is still there')
    await broker.api('PATCH', path, { approval: 'never', password: adminPassword })
  })

  await t.test('stops with what it rests on', async () => {
    for (const [kind, id] of [
      ['grants', granted.grantId],
      ['environments', granted.environmentId],
      ['credentials', granted.credentialId],
    ] as const) {
      const token = await granted.token({ grant: first })
      await state(kind, id, 'disable')
      assert.equal((await railway(broker.url, token, rename)).json['code'], 'grant_inactive', kind)
      await state(kind, id, 'enable')
      assert.notEqual((await railway(broker.url, token, rename)).json['code'], 'grant_inactive')
    }
  })

  await t.test('ends no later than that one', async () => {
    const expires = new Date(Date.now() + 120_000).toISOString()
    await broker.api('PATCH', `/v1/grants/${granted.grantId}`, {
      expires_at: expires,
      password: adminPassword,
    })
    const second = await made({ verbs, duration_seconds: 7_200 })
    assert.equal((await broker.api('GET', `/v1/grants/${second}`))['expires_at'], expires)
    const token = await granted.token({ grant: first })
    clock.ahead = 121
    assert.notEqual((await railway(broker.url, token, rename)).status, 200)
    await assert.rejects(granted.token({ grant: first }), /no active grant/)
    clock.ahead = 0
    await broker.api('PATCH', `/v1/grants/${granted.grantId}`, {
      expires_at: null,
      password: adminPassword,
    })
  })

  await t.test('is neither asked for nor granted under what is frozen or taken away', async () => {
    let seconds = 200
    const stops: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
      ...(
        [
          ['everything', undefined],
          ['provider', 'railway'],
          ['environment', granted.environmentId],
          ['agent', granted.agentId],
        ] as const
      ).map(([scope, subject]) => {
        let id = ''
        return [
          `frozen ${scope}`,
          async () => {
            const freeze = {
              scope,
              reason: 'a test',
              ...(subject === undefined ? {} : { subject }),
            }
            id = (await broker.api<{ id: string }>('POST', '/v1/freezes', freeze)).id
          },
          () => broker.api('POST', `/v1/freezes/${id}/lift`, { password: adminPassword }),
        ] as const
      }),
      ...(
        [
          ['agents', granted.agentId],
          ['grants', granted.grantId],
          ['environments', granted.environmentId],
          ['credentials', granted.credentialId],
        ] as const
      ).map(
        ([kind, id]) =>
          [
            `disabled ${kind}`,
            () => state(kind, id, 'disable'),
            () => state(kind, id, 'enable'),
          ] as const,
      ),
    ]
    for (const [what, stop, start] of stops) {
      const waiting = await asked({ verbs, duration_seconds: ++seconds })
      const token = await granted.token()
      const send = await touched(approver, waiting)
      await stop()
      const given = await send()
      assert.ok(['frozen', 'conflict'].includes(String(given.body['code'])), what)
      const filed = await fetch(`${broker.url}/v1/access-requests`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ verbs, duration_seconds: ++seconds }),
      })
      const { code } = (await filed.json()) as { code: string }
      assert.ok(['frozen', 'grant_inactive'].includes(code), `${what}: ${code}`)
      const behalf = await approver.send('POST', `/v1/agents/${granted.agentId}/access-requests`, {
        grant: granted.grantId,
        verbs,
        duration_seconds: ++seconds,
      })
      assert.equal(behalf.status, 403, what)
      await start()
      const denied = await approver.send('POST', `/v1/access-requests/${waiting}/deny`, {})
      assert.equal(denied.status, 200, what)
      clock.ahead += 601
    }
  })

  await t.test('does not come of a request that nobody answered in a day', async () => {
    const late = await asked({ verbs, duration_seconds: 300 })
    const send = await touched(approver, late)
    clock.ahead += 86_401
    assert.equal((await send()).body['code'], 'conflict')
    const polled = await own(await granted.token(), `/${late}`)
    assert.equal(polled.json['state'], 'expired')
    assert.equal(polled.json['granted'], null)
  })

  await t.test('leaves a refusal on record for each that was tried', async () => {
    const refused = (await entries(broker)).filter(
      (entry) => entry['action'] === 'access_request.grant' && entry['result'] === 'refused',
    )
    assert.equal(refused.length, 9)
  })
})

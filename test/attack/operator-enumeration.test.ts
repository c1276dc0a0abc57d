/** Strangers who would learn who is there, and operators who are no longer what their sign-in says. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, openTestBroker } from '../support/broker.ts'
import { newId } from '../../src/ids.ts'

test('who is there', async (t) => {
  const broker = await openTestBroker(t)
  const password = 'another long password'
  const post = async (path: string, body: unknown, bearer?: string) => {
    const response = await fetch(`${broker.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(body),
    })
    const json = (await response.json()) as Record<string, unknown>
    const { correlation_id: _id, ...rest } = json
    return { status: response.status, json: rest }
  }
  const made = await broker.api<{ operator: { id: string }; setup_secret: string }>(
    'POST',
    '/v1/operators',
    { name: 'eve', roles: ['admin'], password: adminPassword },
  )
  const eve = made.operator.id

  await t.test(
    'cannot be told from the answer to a wrong setup secret, and a right one works once',
    async () => {
      const wrong = { setup_secret: 'vks_wrong', password }
      const known = await post('/v1/setup', { ...wrong, name: 'eve' })
      assert.deepEqual(known, await post('/v1/setup', { ...wrong, name: 'nobody' }))
      assert.deepEqual(known, await post('/v1/setup', { ...wrong, name: broker.admin.name }))
      assert.equal(known.status, 401)
      const right = { name: 'eve', setup_secret: made.setup_secret, password }
      const [a, b] = await Promise.all([post('/v1/setup', right), post('/v1/setup', right)])
      assert.deepEqual(
        [a.status, b.status].toSorted((x, y) => x - y),
        [200, 401],
      )
      assert.equal((await post('/v1/setup', right)).status, 401)
    },
  )

  await t.test('cannot be told from the answer to a sign-in', async () => {
    const disabled = await post('/v1/sign-in', { name: 'nobody', password })
    assert.equal(disabled.status, 401)
    assert.deepEqual(await post('/v1/sign-in', { name: 'eve', password: 'wrong' }), disabled)
    assert.deepEqual(await post('/v1/sign-in', { name: 'EVE', password }), disabled)
  })

  const signIn = async () =>
    String((await post('/v1/sign-in', { name: 'eve', password })).json['token'])
  const me = async (bearer: string) =>
    (await fetch(`${broker.url}/v1/agents`, { headers: { authorization: `Bearer ${bearer}` } }))
      .status

  await t.test(
    'and was demoted, disabled, reset or has a new password is out at once',
    async () => {
      for (const [method, path, body] of [
        ['PATCH', `/v1/operators/${eve}`, { roles: ['auditor'], password: adminPassword }],
        ['PATCH', `/v1/operators/${eve}`, { state: 'disabled', password: adminPassword }],
      ] as const) {
        const bearer = await signIn()
        assert.equal(await me(bearer), 200)
        await broker.api(method, path, body)
        assert.equal(await me(bearer), 401)
      }
      const nobody = await post('/v1/sign-in', { name: 'nobody', password })
      assert.deepEqual(await post('/v1/sign-in', { name: 'eve', password }), nobody, 'disabled')
      await broker.api('PATCH', `/v1/operators/${eve}`, {
        state: 'active',
        password: adminPassword,
      })
      const bearer = await signIn()
      assert.equal(await me(bearer), 200)
      const change = { password, new_password: 'a third long password' }
      assert.equal((await post('/v1/me/password', change, bearer)).status, 200)
      assert.equal(await me(bearer), 401)
    },
  )

  await t.test('and lost the role may not do what it allowed, and that is on record', async () => {
    const bearer = String(
      (await post('/v1/sign-in', { name: 'eve', password: 'a third long password' })).json['token'],
    )
    const refused = await post('/v1/agents', { name: 'evil' }, bearer)
    assert.equal(refused.status, 403)
    const own = await fetch(`${broker.url}/v1/operators/${eve}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ roles: ['admin'], password: 'a third long password' }),
    })
    assert.equal(own.status, 403)
    const { items } = await broker.api<{ items: { entry: Record<string, unknown> }[] }>(
      'GET',
      `/v1/audit?actor=${eve}&kind=admin&result=refused`,
    )
    assert.deepEqual(
      items.slice(0, 2).map(({ entry }) => [entry['action'], entry['reason']]),
      [
        ['operator.update', 'forbidden'],
        ['agent.create', 'forbidden'],
      ],
    )
  })

  await t.test(
    'cannot be told from the answer to a client’s key: unknown, foreign, wrong and revoked are one',
    async () => {
      const { agent, key } = await broker.api<{ agent: { id: string }; key: string }>(
        'POST',
        '/v1/agents',
        { name: 'bot' },
      )
      const ask = async (id: string, secret: string) => {
        const body = new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: id,
          client_secret: secret,
        })
        const response = await fetch(`${broker.url}/oauth/token`, { method: 'POST', body })
        return { status: response.status, text: await response.text() }
      }
      const other = `vka_${newId('agentKey')}_${'A'.repeat(43)}`
      const refused = await ask(newId('agent'), other)
      assert.equal(refused.status, 401)
      for (const [id, secret] of [
        [agent.id, other],
        [newId('agent'), key],
        [agent.id, `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`],
        [agent.id, 'x'],
        [agent.id, key.toUpperCase()],
        [agent.id, `${key}=`],
      ] as const)
        assert.deepEqual(await ask(id, secret), refused)
      assert.notEqual((await ask(agent.id, key)).status, 401, 'the key itself is good')
      await broker.api('POST', `/v1/agents/${agent.id}/revoke`, {})
      assert.deepEqual(await ask(agent.id, key), refused)
    },
  )

  await t.test('the last admin cannot be taken away, by anyone', async () => {
    const { id } = await broker.api<{ id: string }>('GET', '/v1/me')
    for (const change of [{ roles: ['auditor'] }, { state: 'disabled' }, { state: 'revoked' }])
      await broker.api('PATCH', `/v1/operators/${id}`, { ...change, password: adminPassword }, 409)
  })

  await t.test('strangers who try setup secrets without end do not fill the log', async () => {
    const count = async () =>
      Number(
        (
          await broker.broker.db
            .selectFrom('audit_entry')
            .select((e) => e.fn.countAll<string>().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      )
    const before = await count()
    for (let i = 0; i < 15; i++)
      await Promise.all(
        Array.from({ length: 20 }, () =>
          post('/v1/setup', { name: 'x', setup_secret: 'y', password }),
        ),
      )
    assert.ok((await count()) - before <= 60, `${String((await count()) - before)} entries`)
  })
})

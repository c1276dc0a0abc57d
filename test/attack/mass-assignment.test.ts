/** Members that a body should not have: a state, an id, a creator, slipped in beside what is right. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { openStage } from '../support/stage.ts'

test('a body that is right but for one member more', async (t) => {
  const { broker, granted } = await openStage(t)
  const password = adminPassword
  const { agentId, credentialId, environmentId, grantId } = granted
  const me = (await broker.api<{ id: string }>('GET', '/v1/me')).id
  const bodies: readonly (readonly [string, string, Record<string, unknown>])[] = [
    ['POST', '/v1/agents', { name: 'a' }],
    ['POST', `/v1/agents/${agentId}/keys`, {}],
    ['POST', `/v1/agents/${agentId}/disable`, {}],
    ['POST', '/v1/environments', { name: 'e' }],
    ['PATCH', `/v1/environments/${environmentId}`, { protected: true }],
    ['PUT', `/v1/environments/${environmentId}/bindings`, { bindings: [], password }],
    [
      'POST',
      '/v1/credentials',
      {
        name: 'c',
        provider: 'railway',
        environment: environmentId,
        secret: 'long-enough',
        password,
      },
    ],
    ['POST', `/v1/credentials/${credentialId}/versions`, { secret: 'long-enough', password }],
    ['POST', '/v1/grants', { agent: agentId, credential: credentialId, password }],
    ['PATCH', `/v1/grants/${grantId}`, { approval: 'always' }],
    ['POST', '/v1/operators', { name: 'o', roles: ['auditor'], password }],
    ['PATCH', `/v1/operators/${me}`, { roles: ['admin'], password }],
    ['POST', '/v1/freezes', { scope: 'everything', reason: 'x' }],
    ['POST', '/v1/trust-issuers', { issuer: 'https://issuer.example', password }],
    [
      'POST',
      '/v1/trust-rules',
      {
        name: 'r',
        issuer: `iss_${'0'.repeat(26)}`,
        agent: agentId,
        conditions: [{ claim: 'sub', equals: 'x' }],
        password,
      },
    ],
    ['POST', '/v1/sign-in', { name: broker.admin.name, password }],
    ['POST', '/v1/setup', { name: 'x', setup_secret: 'y', password }],
    ['POST', '/v1/me/password', { password, new_password: password }],
    ['POST', '/v1/unseal', { passphrase: 'x' }],
  ]
  const state = () => broker.broker.db.selectFrom('revision').selectAll().execute()
  const before = await state()
  for (const [method, path, body] of bodies) {
    await t.test(
      `is refused at ${method} ${path.replace(/_[0-9a-z]{26}/, '_…')}, by the name of the member`,
      async () => {
        for (const [member, value] of [
          ['id', 'x'],
          ['state', 'active'],
          ['created_by', me],
          ['nope', { $ne: null }],
          ['a/b~c', 1],
        ] as const) {
          // The state of an operator is a member that its PATCH knows.
          if (member === 'state' && path.startsWith('/v1/operators/')) continue
          const response = await fetch(`${broker.url}${path}`, {
            method,
            headers: {
              'content-type': 'application/json',
              authorization: `Bearer ${broker.admin.bearer}`,
            },
            body: JSON.stringify({ ...body, [member]: value }),
          })
          const problem = (await response.json()) as { code: string; errors: { pointer: string }[] }
          assert.equal(response.status, 400)
          assert.equal(problem.code, 'invalid_request')
          assert.equal(
            problem.errors[0]?.pointer,
            `/${member.replace('~', '~0').replace('/', '~1')}`,
          )
        }
      },
    )
  }
  await t.test('has changed nothing', async () => {
    assert.deepEqual(await state(), before)
  })
  await t.test(
    'that is no JSON, holds __proto__, or text no column can hold is 400, not 500',
    async () => {
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${broker.admin.bearer}`,
      }
      for (const [path, body] of [
        ['/v1/agents', '{"name":'],
        ['/v1/agents', '{"__proto__":{"state":"active"},"name":"a"}'],
        ['/v1/agents', '{"constructor":{"prototype":{"x":1}},"name":"a"}'],
        ['/v1/agents', 'null'],
        ['/v1/agents', '[]'],
        ['/v1/freezes', '{"scope":"everything","reason":"a\\u0000b"}'],
        [
          '/v1/grants',
          JSON.stringify({
            agent: agentId,
            credential: credentialId,
            constraints: [{ path: 'a', equals: 'x\u0000' }],
            password,
          }),
        ],
        [
          '/v1/grants',
          JSON.stringify({
            agent: agentId,
            credential: credentialId,
            constraints: [{ path: 'a', equals: '\ud800' }],
            password,
          }),
        ],
      ] as const) {
        const response = await fetch(`${broker.url}${path}`, { method: 'POST', headers, body })
        assert.equal(response.status, 400, body)
      }
      for (const query of [
        'actor=%00',
        'since=2026-01-01T23:59:60Z',
        'cursor=x.y',
        'limit=0',
        'limit=201',
        'limit=1&limit=2',
        'after=-1',
      ]) {
        const response = await fetch(`${broker.url}/v1/audit?${query}`, { headers })
        assert.equal(response.status, 400, query)
      }
      const cursor = async (path: string) =>
        (await fetch(`${broker.url}${path}`, { headers })).json() as Promise<{
          next_cursor?: string
        }>
      const { next_cursor: mine = '' } = await cursor('/v1/audit?limit=1')
      assert.ok(mine !== '')
      for (const path of [
        '/v1/agents?cursor=',
        '/v1/audit?kind=admin&cursor=',
        '/v1/operators?cursor=',
      ])
        assert.equal((await fetch(`${broker.url}${path}${mine}`, { headers })).status, 400, path)
    },
  )
})

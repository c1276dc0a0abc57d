import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminPassword as password, openTestBroker } from '../support/broker.ts'
import {
  clientSecret,
  firstRefreshToken,
  mintParameters,
  startTokenStandIn,
  tokenService,
} from '../support/minted-stage.ts'

test('a credential that mints', async (t) => {
  const service = await startTokenStandIn(t)
  const broker = await openTestBroker(t, {
    upstreams: { railway: 'http://127.0.0.1:9', github: 'https://ghe.internal.example' },
    tokenServices: { [tokenService]: service.origin },
  })
  const environment = await broker.api<{ id: string }>('POST', '/v1/environments', {
    name: 'acme/staging',
    bindings: [{ provider: 'github', kind: 'repository', id: 'acme/app' }],
  })
  const secret = JSON.stringify({ refresh_token: firstRefreshToken, client_secret: clientSecret })
  const body = {
    name: 'consent',
    provider: 'github',
    environment: environment.id,
    secret,
    mint: mintParameters as Record<string, unknown>,
    password,
  }
  const { scopes: _, ...unscoped } = mintParameters
  const refusals: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
    ['of no kind', { mint: {} }, /"pointer":"\/mint/],
    ['of a kind that is not known', { mint: { kind: 'magic' } }, /"pointer":"\/mint/],
    [
      'whose parameters lack one',
      { mint: { ...mintParameters, client_id: undefined } },
      /"pointer":"\/mint\/client_id","detail":"is missing"/,
    ],
    [
      'whose parameters have one that is not known',
      { mint: { ...mintParameters, client_secret: 'here' } },
      /"pointer":"\/mint\/client_secret","detail":"is not a member/,
    ],
    [
      'whose parameters have one of another form',
      { mint: { ...mintParameters, token_endpoint: 'http://login.provider.example/' } },
      /"pointer":"\/mint\/token_endpoint"/,
    ],
    [
      'whose parameters hold control characters',
      { mint: { ...mintParameters, audience: 'a\u202eb' } },
      /"pointer":"\/mint/,
    ],
    [
      'whose parameters contradict one another',
      { mint: { ...unscoped, scopes: ['other'] } },
      /read_scopes has repo:read/,
    ],
    ['whose secret is none of its kind', { secret: firstRefreshToken }, /must be JSON/],
    ['for look-ups', { use: 'lookups' }, /"pointer":"\/use"/],
    ...[
      'https://127.0.0.1/token',
      'https://10.1.2.3/token',
      'https://localhost/token',
      'https://login/token',
      'https://metadata.localhost/token',
    ].map(
      (token_endpoint) =>
        [
          `whose tokens are at ${token_endpoint}`,
          { mint: { ...mintParameters, token_endpoint } },
          /not on the public internet/,
        ] as const,
    ),
    [
      'whose tokens are where configuration keeps another provider’s',
      {
        provider: 'railway',
        mint: { ...mintParameters, token_endpoint: 'https://ghe.internal.example/token' },
      },
      /keeps it for github/,
    ],
  ]
  for (const [what, change, said] of refusals)
    await t.test(`${what} is refused, and its secret is not repeated`, async () => {
      const response = await fetch(`${broker.url}/v1/credentials`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${broker.admin.bearer}`,
        },
        body: JSON.stringify({ ...body, ...change }),
      })
      const text = await response.text()
      assert.equal(response.status, 400, text)
      assert.match(text, said)
      assert.ok(!text.includes(firstRefreshToken) && !text.includes(clientSecret), text)
      assert.deepEqual(service.requests, [])
    })

  await t.test(
    'may have a secret of several lines; one that goes out in a header may not',
    async () => {
      const plain = { ...body, secret: 'ghp_0123456789\r\nx-evil: 1', mint: undefined }
      for (const given of [plain, { ...plain, secret: 'two words here' }])
        await assert.rejects(broker.api('POST', '/v1/credentials', given), /"pointer":"\/secret"/)
      const lines = JSON.stringify(JSON.parse(secret), null, 2)
      const made = await broker.api('POST', '/v1/credentials', { ...body, secret: lines })
      assert.deepEqual(made['mint'], mintParameters)
      assert.ok(!JSON.stringify(made).includes(firstRefreshToken))
    },
  )

  await t.test(
    'keeps its parameters when only the secret is replaced, and takes others',
    async () => {
      const { items } = await broker.api<{ items: { id: string }[] }>('GET', '/v1/credentials')
      const path = `/v1/credentials/${items[0]?.id ?? ''}/versions`
      const latest = (): string => service.issued.at(-1)?.refreshToken ?? ''
      const next = () => JSON.stringify({ refresh_token: latest(), client_secret: clientSecret })
      const same = await broker.api('POST', path, { secret: next(), password })
      assert.deepEqual([same['version'], same['mint']], [2, mintParameters])
      const fewer = { ...mintParameters, scopes: ['repo:read'] }
      const other = await broker.api('POST', path, { secret: next(), mint: fewer, password })
      assert.deepEqual([other['version'], other['mint']], [3, fewer])
      assert.equal(service.issued.length, 3, 'each was tried')
      assert.equal(service.alive, true)
    },
  )
})

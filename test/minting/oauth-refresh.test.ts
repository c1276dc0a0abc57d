import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Value } from 'typebox/value'
import type { Exchange, Minted } from '../../src/minting/kind.ts'
import { oauthRefresh, type OauthRefreshParameters } from '../../src/minting/oauth-refresh.ts'

const now = 1_800_000_000_000
const parameters: OauthRefreshParameters = {
  token_endpoint: 'https://login.example/oauth/token?tenant=7',
  client_id: 'client id',
  client_auth: 'client_secret_basic',
  scopes: ['read', 'write'],
  read_scopes: ['read'],
  revocation_endpoint: 'https://login.example/oauth/revoke',
}
const secret = JSON.stringify({
  refresh_token: 'refresh-1',
  client_secret: 's:cret/+ é'.replace('é', 'e'),
})
const token = { access_token: 'access-token', token_type: 'bearer', expires_in: 600 }

type Asked = Parameters<Exchange>[0] & { readonly form: URLSearchParams }

async function mint(
  answer: { readonly status?: number; readonly json?: unknown; readonly text?: string },
  given: { readonly readOnly?: boolean; readonly parameters?: OauthRefreshParameters } = {},
): Promise<{ minted: Minted; asked: Asked }> {
  const asked: Asked[] = []
  const minted = await oauthRefresh.mint({
    parameters: given.parameters ?? parameters,
    secret,
    origin: 'https://api.example',
    narrowing: { bindings: [], readOnly: given.readOnly ?? false, seconds: 900 },
    exchange: (request) => {
      asked.push({ ...request, form: new URLSearchParams(request.body) })
      return Promise.resolve({
        status: answer.status ?? 200,
        text: answer.text ?? JSON.stringify(answer.json ?? token),
      })
    },
    now,
  })
  assert.equal(asked.length, 1)
  return { minted, asked: asked[0] as Asked }
}

describe('a refresh', () => {
  test('is RFC 6749 §6, with the client as RFC 6749 §2.3.1 has it', async () => {
    const { asked, minted } = await mint({})
    assert.equal(asked.origin, 'https://login.example')
    assert.equal(asked.target, '/oauth/token?tenant=7')
    assert.deepEqual(Object.fromEntries(asked.form), {
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      scope: 'read write',
    })
    const basic = Buffer.from((asked.headers['authorization'] ?? '').slice(6), 'base64').toString()
    assert.equal(basic, 'client+id:s%3Acret%2F%2B+e')
    assert.deepEqual(minted, { ok: true, token: 'access-token', expiresAt: now + 600_000 })
  })

  test('says who the client is in the body, or that it is one, where its parameters say so', async () => {
    const post = await mint(
      {},
      { parameters: { ...parameters, client_auth: 'client_secret_post' } },
    )
    assert.equal(post.asked.form.get('client_id'), 'client id')
    assert.equal(post.asked.form.get('client_secret'), 's:cret/+ e')
    assert.equal(post.asked.headers['authorization'], undefined)
    const none = await mint({}, { parameters: { ...parameters, client_auth: 'none' } })
    assert.equal(none.asked.form.get('client_id'), 'client id')
    assert.equal(none.asked.form.has('client_secret'), false)
  })

  test('asks for less where nothing but reads will be done', async () => {
    assert.equal((await mint({}, { readOnly: true })).asked.form.get('scope'), 'read')
  })

  test('gives the vault what replaces its refresh token, with the rest of the secret', async () => {
    const { minted } = await mint({ json: { ...token, refresh_token: 'refresh-2' } })
    assert.ok(minted.ok)
    assert.deepEqual(JSON.parse(minted.rotated ?? ''), {
      refresh_token: 'refresh-2',
      client_secret: 's:cret/+ e',
    })
    const same = await mint({ json: { ...token, refresh_token: 'refresh-1' } })
    assert.ok(same.minted.ok && same.minted.rotated === undefined)
  })

  test('whose answer is refused keeps what replaces the refresh token all the same', async () => {
    for (const bad of [
      { scope: 'read write admin' },
      { token_type: 'DPoP' },
      { access_token: 'two words' },
      { expires_in: -1 },
      // In milliseconds it is no number any more, and no moment that could be written down.
      { expires_in: 1e306 },
    ]) {
      const { minted } = await mint({ json: { ...token, ...bad, refresh_token: 'refresh-2' } })
      assert.ok(!minted.ok, JSON.stringify(bad))
      assert.equal(minted.why, 'impossible')
      assert.ok(minted.rotated?.includes('refresh-2'))
    }
  })

  test('takes fewer scopes than it asked for, and five minutes where nothing is said', async () => {
    const { expires_in: _, ...unsaid } = token
    const { minted } = await mint({ json: { ...unsaid, scope: 'read' } })
    assert.deepEqual(minted, { ok: true, token: 'access-token', expiresAt: now + 300_000 })
  })

  test('that is refused says why in words of the RFC, and in no others', async () => {
    const cases = [
      [400, { error: 'invalid_grant', error_description: 'refresh-1 was used' }, 'rejected', true],
      [401, { error: 'invalid_client' }, 'rejected', undefined],
      [400, { error: 'refresh-1' }, 'rejected', undefined],
      [302, {}, 'rejected', undefined],
      [503, { error: 'invalid_grant' }, 'unavailable', undefined],
      [429, {}, 'unavailable', undefined],
    ] as const
    for (const [status, json, why, dead] of cases) {
      const { minted } = await mint({ status, json })
      assert.ok(!minted.ok)
      assert.deepEqual([minted.why, minted.dead], [why, dead], String(status))
      assert.ok(!minted.detail.includes('refresh-1'), minted.detail)
    }
    for (const text of ['', '<html>', '[]', '{"access_token":"a","access_token":"b"}']) {
      const { minted } = await mint({ text })
      assert.ok(!minted.ok && minted.why === 'unavailable', text)
    }
  })
})

test('what was minted is given back where its parameters name an endpoint for that (RFC 7009)', async () => {
  const forms: string[] = []
  const input = {
    parameters,
    secret,
    origin: 'https://api.example',
    narrowing: { bindings: [], readOnly: false, seconds: 900 },
    exchange: ((request) => {
      forms.push(`${request.target} ${request.body ?? ''}`)
      return Promise.resolve({ status: 200, text: '' })
    }) satisfies Exchange,
    now,
    token: 'access-token',
  }
  assert.deepEqual(await oauthRefresh.revoke?.(input), { ok: true })
  assert.deepEqual(forms, ['/oauth/revoke token=access-token&token_type_hint=access_token'])
  const { revocation_endpoint: _, ...without } = parameters
  assert.equal((await oauthRefresh.revoke?.({ ...input, parameters: without }))?.ok, false)
})

test('parameters and a secret that do not go together are named before they are stored', () => {
  const ok = JSON.stringify({ refresh_token: 'refresh-1', client_secret: 'long enough' })
  const bare = JSON.stringify({ refresh_token: 'refresh-1' })
  assert.equal(oauthRefresh.complaint(parameters, ok), undefined)
  const cases: readonly (readonly [Partial<OauthRefreshParameters>, string, RegExp])[] = [
    [{}, 'refresh-1', /must be JSON/],
    [{}, '{"refresh_token":"refresh-1","more":1}', /must be JSON/],
    [{}, bare, /no client_secret/],
    [{ client_auth: 'none' }, ok, /client_auth is none/],
    [{ token_endpoint: 'https://u:p@login.example/token' }, ok, /token_endpoint/],
    [{ token_endpoint: 'https://login.example/token#x' }, ok, /token_endpoint/],
    [{ revocation_endpoint: 'https://' }, ok, /revocation_endpoint/],
    [{ read_scopes: ['admin'] }, ok, /read_scopes has admin/],
  ]
  for (const [more, secret, complaint] of cases) {
    const said = oauthRefresh.complaint({ ...parameters, ...more }, secret) ?? ''
    assert.match(said, complaint)
    assert.ok(!said.includes('refresh-1'))
  }
  for (const wrong of [
    { ...parameters, token_endpoint: 'http://login.example/token' },
    { ...parameters, client_secret: 'here' },
    { ...parameters, scopes: ['two words'] },
  ])
    assert.ok(!Value.Check(oauthRefresh.parameters, wrong))
})

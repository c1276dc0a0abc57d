/** A page in the operator’s own browser that is not ours: it may send, with the cookie, and must not be obeyed. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword, openTestBroker } from '../support/broker.ts'

const publicUrl = 'http://localhost:8474'

test('a browser', async (t) => {
  const broker = await openTestBroker(t)
  const send = async (
    method: string,
    path: string,
    headers: Record<string, string>,
    body: unknown = {},
  ) => {
    const response = await fetch(`${broker.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const signIn = { name: broker.admin.name, password: adminPassword, cookie: true }
  const signedIn = await send('POST', '/v1/sign-in', { origin: publicUrl }, signIn)
  const set = signedIn.headers.get('set-cookie') ?? ''
  const cookie = set.split(';')[0] ?? ''
  const agents = async () =>
    (await broker.api<{ items: unknown[] }>('GET', '/v1/agents')).items.length

  await t.test(
    'is given a cookie that no script reads, no other host sets, and no other site sends',
    () => {
      assert.equal(signedIn.status, 200)
      assert.match(set, /^__Host-valetkey=/)
      for (const part of ['HttpOnly', 'Secure', 'SameSite=Strict', 'Path=/'])
        assert.ok(set.split('; ').includes(part), `${part} in ${set}`)
      assert.ok(!/domain=/i.test(set))
      assert.ok(
        !signedIn.text.includes(cookie.split('=')[1] ?? ''),
        'the body holds no token besides',
      )
    },
  )

  await t.test('of our own origin may change things with the cookie', async () => {
    assert.equal((await send('GET', '/v1/me', { cookie })).status, 200)
    assert.equal(
      (await send('POST', '/v1/agents', { cookie, origin: publicUrl }, { name: 'a1' })).status,
      201,
    )
  })

  await t.test('of any other origin, or of none, may not', async () => {
    const before = await agents()
    for (const origin of [
      undefined,
      'null',
      'http://evil.example',
      'https://localhost:8474',
      'http://localhost',
      'http://localhost:8475',
      `${publicUrl}.evil.example`,
      `${publicUrl}/`,
      `${publicUrl}, http://evil.example`,
      'HTTP://LOCALHOST:8474',
    ]) {
      const headers = { cookie, ...(origin === undefined ? {} : { origin }) }
      const answer = await send('POST', '/v1/agents', headers, { name: 'evil' })
      assert.ok([401, 403].includes(answer.status), `${String(origin)}: ${String(answer.status)}`)
      const patch = await send('PATCH', '/v1/environments/env_00000000000000000000000000', headers)
      assert.ok([401, 403].includes(patch.status))
    }
    assert.equal(await agents(), before)
  })

  await t.test('of another origin may not sign somebody in with a cookie', async () => {
    for (const headers of [{}, { origin: 'http://evil.example' }]) {
      const answer = await send('POST', '/v1/sign-in', headers, signIn)
      assert.equal(answer.status, 403)
      assert.equal(answer.headers.get('set-cookie'), null)
    }
  })

  await t.test('that sends a form or text, which needs no leave from us, is not read', async () => {
    const body = JSON.stringify({ name: 'evil' })
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const answer = await send(
        'POST',
        '/v1/agents',
        { cookie, origin: publicUrl, 'content-type': type },
        body,
      )
      assert.equal(answer.status, 415, type)
    }
  })

  await t.test('is told nothing about other origins: no answer has CORS headers', async () => {
    for (const [method, path] of [
      ['OPTIONS', '/v1/agents'],
      ['GET', '/v1/me'],
      ['OPTIONS', '/proxy/railway/x'],
      ['GET', '/healthz'],
    ] as const) {
      const answer = await send(method, path, {
        origin: 'http://evil.example',
        'access-control-request-method': 'POST',
      })
      for (const name of answer.headers.keys()) assert.ok(!name.startsWith('access-control-'), name)
    }
  })

  await t.test(
    'cannot send a cookie and a bearer at once, nor one in the place of the other',
    async () => {
      const value = cookie.split('=')[1] ?? ''
      const both = await send('GET', '/v1/me', {
        cookie,
        authorization: `Bearer ${broker.admin.bearer}`,
      })
      assert.equal(both.status, 400)
      assert.equal((await send('GET', '/v1/me', { authorization: `Bearer ${value}` })).status, 401)
      assert.equal(
        (await send('GET', '/v1/me', { cookie: `__Host-valetkey=${broker.admin.bearer}` })).status,
        401,
      )
      assert.equal((await send('GET', '/v1/me', { cookie: `valetkey=${value}` })).status, 401)
    },
  )
})

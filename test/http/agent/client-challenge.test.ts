import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'

let broker: TestBroker
before(async () => {
  broker = await openTestBroker(undefined)
})
after(() => broker.close())

const endpoints = ['/oauth/token', '/oauth/revoke', '/oauth/introspect']
const wrong = Buffer.from('ag_x:vka_x').toString('base64')
const basic = 'Basic realm="valetkey"'

async function refusedWith(
  path: string,
  headers: Record<string, string>,
  form: Record<string, string> = {},
): Promise<string | null> {
  const response = await fetch(`${broker.url}${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ grant_type: 'client_credentials', token: 'x', ...form }),
  })
  const body = (await response.json()) as Record<string, unknown>
  assert.deepEqual([response.status, body['error']], [401, 'invalid_client'], JSON.stringify(body))
  return response.headers.get('www-authenticate')
}

test('whoever is not known at an OAuth endpoint is challenged in the scheme that it tried', async () => {
  for (const path of endpoints) {
    for (const authorization of [`Basic ${wrong}`, `basic ${wrong}`, 'Basic', 'Negotiate x', ''])
      assert.equal(await refusedWith(path, { authorization }), basic, authorization)
    for (const scheme of ['Bearer', 'bearer'])
      assert.match(
        String(await refusedWith(path, { authorization: `${scheme} x.y.z` })),
        /^Bearer realm="valetkey", error="invalid_token", .*, Basic realm="valetkey"$/,
      )
    assert.match(
      String(await refusedWith(path, { authorization: 'DPoP x.y.z' })),
      /^DPoP realm="valetkey", algs="ES256 [^"]+", error="invalid_token", .*, Basic realm="valetkey"$/,
    )
    const secret = { client_id: 'ag_x', client_secret: 'vka_x' }
    assert.equal(await refusedWith(path, {}, secret), basic)
    assert.equal(await refusedWith(path, {}), basic)
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const assertion = { client_assertion_type: type, client_assertion: 'x.y.z' }
    assert.equal(await refusedWith(path, {}, assertion), basic)
  }
})

test('nothing of what was sent comes back in a challenge', async () => {
  const authorization = 'Bearer secret", realm="elsewhere'
  assert.doesNotMatch(String(await refusedWith('/oauth/token', { authorization })), /secret|else/)
})

/** A proof made for one request, shown with another: the method, the path, the provider, the host, the capability. */
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { dpopClient, dpopKey } from '../support/dpop.ts'
import { openStage, read } from '../support/stage.ts'

const path = '/proxy/railway/graphql/v2'
const body = JSON.stringify(read)

test('a proof is for one request', async (t) => {
  const { broker, upstream, granted } = await openStage(t)
  const client = dpopClient(await dpopKey(), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const other = await client.token(granted.agentId, granted.agentKey)
  const request = { method: 'POST', path, token }

  /** As bytes: `fetch` would tidy up the target, and knows no second field of one name. */
  function send(
    target: string,
    headers: readonly string[],
    host = 'localhost:8474',
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(broker.url)
      const outgoing = httpRequest(
        {
          host: hostname,
          port,
          method: 'POST',
          path: target,
          headers: [
            'host',
            host,
            'content-type',
            'application/json',
            'content-length',
            String(Buffer.byteLength(body)),
            'connection',
            'close',
            ...headers,
          ],
        },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
  const authorization = `DPoP ${token}`
  const sendWith = async (claims: object, target = path, host?: string): Promise<number> =>
    send(
      target,
      [
        'authorization',
        authorization,
        'dpop',
        await client.proof({ ...request, claims: { ...claims } }),
      ],
      host,
    )

  // The nonce, and that all is well without a change.
  assert.equal(
    (await client.send({ ...request, headers: { 'content-type': 'application/json' }, body }))
      .status,
    200,
  )
  assert.equal(await sendWith({}), 200)
  upstream.received.length = 0

  const ours = 'http://localhost:8474'
  const wrong: readonly (readonly [string, () => Promise<number>])[] = [
    ['another method', () => sendWith({ htm: 'GET' })],
    ['another path', () => sendWith({ htu: `${ours}/proxy/railway/graphql/internal` })],
    ['another provider', () => sendWith({ htu: `${ours}/proxy/github/graphql/v2` })],
    ['the provider’s own URL', () => sendWith({ htu: 'https://backboard.railway.com/graphql/v2' })],
    ['the address that was connected to', () => sendWith({ htu: `${broker.url}${path}` })],
    [
      'the provider’s own host',
      () => sendWith({ htu: 'http://railway.localhost:8474/graphql/v2' }),
    ],
    [
      'the public path at the provider’s host',
      () => sendWith({}, '/graphql/v2', 'railway.localhost:8474'),
    ],
    ['another path of the target', () => sendWith({}, '/proxy/railway/graphql/v2/')],
    ['a doubled slash in the target', () => sendWith({}, '/proxy/railway//graphql/v2')],
    ['an absolute target', () => sendWith({}, `${ours}${path}`)],
    [
      'another capability of the same key',
      async () =>
        send(path, ['authorization', `DPoP ${other}`, 'dpop', await client.proof(request)]),
    ],
    [
      'two fields, both good',
      async () =>
        send(path, [
          'authorization',
          authorization,
          'dpop',
          await client.proof(request),
          'DPoP',
          await client.proof(request),
        ]),
    ],
    [
      'two proofs in one field',
      async () =>
        send(path, [
          'authorization',
          authorization,
          'dpop',
          `${await client.proof(request)}, ${await client.proof(request)}`,
        ]),
    ],
    [
      'two carriers',
      async () =>
        send(path, [
          'authorization',
          authorization,
          'project-access-token',
          token,
          'dpop',
          await client.proof(request),
        ]),
    ],
  ]
  for (const [what, act] of wrong)
    await t.test(`${what}: refused`, async () => {
      assert.equal(await act(), 401)
      assert.deepEqual(upstream.received, [])
    })

  await t.test('at the provider’s own host, the URI of that host is the one', async () => {
    const htu = 'http://railway.localhost:8474/graphql/v2'
    assert.equal(await sendWith({ htu }, '/graphql/v2', 'railway.localhost:8474'), 200)
  })
})

test('a nonce that has been replaced is told with the answer, one that is too old with the refusal', async (t) => {
  let ahead = 0
  const { broker, granted } = await openStage(t, { now: () => Date.now() + ahead })
  const client = dpopClient(await dpopKey(), broker.url)
  const token = await client.token(granted.agentId, granted.agentKey)
  const request = () => ({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json' },
    body,
    token,
    claims: { iat: (Date.now() + ahead) / 1000 },
  })
  const first = client.nonce
  ahead = 61_000
  const renewed = await client.once(request())
  assert.equal(renewed.status, 200)
  assert.ok(client.nonce !== undefined && client.nonce !== first)
  await renewed.body?.cancel()
  const own = await client.once({
    ...request(),
    method: 'GET',
    body: undefined as never,
    path: '/v1/access-requests/own',
  })
  assert.equal(own.status, 200)
  await own.body?.cancel()
  client.nonce = first
  ahead = 8 * 60_000
  const fresh = await client
    .token(granted.agentId, granted.agentKey)
    .catch(() => 'refused: the proof is dated now')
  assert.match(fresh, /refused/)
  client.nonce = first
  const late = await client.once(request())
  assert.equal(late.status, 401)
  await late.body?.cancel()
})

/** Where the OpenID Connect client's requests go, and how much comes back. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { createProviderFetch } from '../../src/federation/provider-fetch.ts'
import { isPublicAddress, publicLookup } from '../../src/proxy/address.ts'

const init = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
const guards = { lookup: publicLookup, isPublicAddress }

async function serve(
  t: TestContext,
  handler: Parameters<typeof createServer>[1],
): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    handler?.(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    asked,
    server,
  }
}

for (const [url, internal] of [
  ['http://id.example.com/token', false],
  ['https://127.0.0.1/token', false],
  ['https://10.1.2.3/token', false],
  ['https://localhost/token', false],
  ['https://169.254.169.254/token', true],
  ['http://10.1.2.3/token', true],
  ['https://user@id.example.com/token', true],
  ['https://[::ffff:7f00:1]/token', false],
  ['https://0x7f.1/token', false],
  ['file:///etc/passwd', true],
] as const)
  test(`${url} is not spoken to${internal ? ', declared internal or not' : ''}`, async () => {
    const ask = createProviderFetch({ ...guards, internal })
    await assert.rejects(ask(url, init), /it is not spoken to/)
  })

test('a name that was declared internal leads to no metadata service either', async () => {
  const asked: string[] = []
  const ask = createProviderFetch({
    ...guards,
    resolve: (hostname, _options, callback) => {
      asked.push(hostname)
      callback(null, [
        { address: '10.1.2.3', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ])
    },
    internal: true,
  })
  await assert.rejects(ask('https://id.internal/token', init), /where no issuer is/)
  assert.deepEqual(asked, ['id.internal'])
})

test('a name that leads inwards is noticed on the address that is connected to', async () => {
  const asked: string[] = []
  const ask = createProviderFetch({
    ...guards,
    lookup: (hostname, _options, callback) => {
      asked.push(hostname)
      callback(Object.assign(new Error('no'), { code: 'ADDRESS_REFUSED' }), '', 0)
    },
    internal: false,
  })
  await assert.rejects(ask('https://id.example.com/token', init))
  assert.deepEqual(asked, ['id.example.com'])
})

test('a redirect is an answer, and not followed', async (t) => {
  const { url, asked } = await serve(t, (_request, response) => {
    response.writeHead(302, { location: '/elsewhere', 'set-cookie': 'a=b' }).end()
  })
  const answer = await createProviderFetch({ ...guards, internal: true })(`${url}/token`, init)
  assert.deepEqual([answer.status, answer.headers.get('location'), asked], [302, null, ['/token']])
})

test('what is too long, too slow or compressed is no answer', async (t) => {
  const { url } = await serve(t, (request, response) => {
    const { url: path = '' } = request
    if (path === '/long') response.end('x'.repeat(2_000))
    else if (path === '/zip') response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')
    else if (path === '/slow') response.write('{')
  })
  const ask = createProviderFetch({ ...guards, internal: true, longest: 1_000, timeout: 300 })
  await assert.rejects(ask(`${url}/long`, init), /longer than 1000/)
  await assert.rejects(ask(`${url}/zip`, init), /compressed/)
  await assert.rejects(ask(`${url}/slow`, init))
})

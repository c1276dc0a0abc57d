import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { createIssuerFetch, type IssuerFetchOptions } from '../../src/federation/fetch.ts'
import { isPublicAddress, publicLookup } from '../../src/proxy/address.ts'
import { loopbackCert, loopbackKey } from '../support/loopback-certificate.ts'
import { openRawUpstream } from '../support/raw-upstream.ts'
import { until } from '../support/until.ts'

const fetcher = (options: Partial<IssuerFetchOptions> = {}) =>
  createIssuerFetch({ lookup: publicLookup, isPublicAddress, ...options })

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const internal = { internal: true }
const json = { 'content-type': 'application/json' }

test('JSON is fetched, and said how long it may be kept', async (t) => {
  const cases = new Map<string, [Record<string, string>, number | undefined]>([
    ['/plain', [{}, undefined]],
    ['/kept', [{ 'cache-control': 'public, max-age=120' }, 120]],
    ['/shared', [{ 'cache-control': 's-maxage=9, max-age=7' }, 7]],
    ['/not', [{ 'cache-control': 'no-store, max-age=120' }, 0]],
    ['/odd', [{ 'cache-control': 'max-age=-1' }, undefined]],
    ['/set', [{ 'content-type': 'application/jwk-set+json; charset=utf-8' }, undefined]],
  ])
  const seen: (string | undefined)[] = []
  const origin = await serve(t, (request, response) => {
    seen.push(request.headers.authorization ?? request.headers.cookie)
    response.writeHead(200, { ...json, ...cases.get(request.url ?? '')?.[0] }).end('{"keys":[]}')
  })
  for (const [path, [, maxAge]] of cases)
    assert.deepEqual(
      await fetcher()(origin + path, internal),
      { ok: true, value: { keys: [] }, maxAge },
      path,
    )
  assert.ok(seen.every((credential) => credential === undefined))
})

test('any answer but a plain JSON one is refused', async (t) => {
  const origin = await serve(t, (request, response) => {
    switch (request.url) {
      case '/missing':
        return response.writeHead(404, json).end('{}')
      case '/partial':
        return response.writeHead(206, json).end('{}')
      case '/html':
        return response.writeHead(200, { 'content-type': 'text/html' }).end('{}')
      case '/bare':
        return response.writeHead(200).end('{}')
      case '/jsonish':
        return response.writeHead(200, { 'content-type': 'application/jsonp' }).end('{}')
      case '/gzip':
        return response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync('{}'))
      case '/twice':
        return response.writeHead(200, json).end('{"keys":[],"keys":[{}]}')
      case '/broken':
        return response.writeHead(200, json).end('{"keys":')
      case '/deep':
        return response.writeHead(200, json).end('['.repeat(17) + ']'.repeat(17))
      case '/cut':
        response.writeHead(200, { ...json, 'content-length': '100' }).write('{}')
        return response.destroy()
      default:
        return response.writeHead(200, json).end('')
    }
  })
  for (const [path, detail] of [
    ['/missing', /answers with 404/],
    ['/partial', /answers with 206/],
    ['/html', /not called JSON/],
    ['/bare', /not called JSON/],
    ['/jsonish', /not called JSON/],
    ['/gzip', /compressed/],
    ['/twice', /same key twice/],
    ['/broken', /not JSON/],
    ['/deep', /nested/],
    ['/cut', /could not be fetched/],
    ['/empty', /empty/],
  ] as const) {
    const fetched = await fetcher()(origin + path, internal)
    assert.ok(!fetched.ok, path)
    assert.match(fetched.detail, detail, path)
    assert.equal(fetched.status === 404, path === '/missing')
  }
})

test('a redirect is not followed', async (t) => {
  let followed = 0
  const target = await serve(t, (_request, response) => {
    followed++
    response.writeHead(200, json).end('{"keys":[]}')
  })
  const origin = await serve(t, (request, response) =>
    response.writeHead(Number(request.url?.slice(1)), { ...json, location: target }).end('{}'),
  )
  for (const status of [300, 301, 302, 303, 307, 308]) {
    const fetched = await fetcher()(`${origin}/${status}`, internal)
    assert.ok(!fetched.ok)
    assert.equal(fetched.detail, 'it answers with a redirect')
  }
  assert.equal(followed, 0)
})

test('an answer that is too long is not read to its end, whether or not it says its length', async (t) => {
  let endless = 0
  const origin = await serve(t, (request, response) => {
    if (request.url === '/fits') {
      response.writeHead(200, json).end(`"${'a'.repeat(998)}"`)
      return
    }
    response.writeHead(200, json).write('"')
    const timer = setInterval(() => response.write('a'.repeat(200)), 1)
    endless++
    response.on('close', () => {
      clearInterval(timer)
      endless--
    })
  })
  const fetchJson = fetcher({ longest: 1_000 })
  assert.equal((await fetchJson(`${origin}/fits`, internal)).ok, true)
  const fetched = await fetchJson(`${origin}/endless`, internal)
  assert.ok(!fetched.ok)
  assert.match(fetched.detail, /longer than 1000 bytes/)
  await until('the connection is closed', () => (endless === 0 ? true : undefined))
  const huge = await openRawUpstream(t, (socket) =>
    socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n${'x-a: b\r\n'.repeat(10_000)}\r\n{}`,
    ),
  )
  assert.equal((await fetchJson(`${huge.origin}/`, internal)).ok, false)
})

test('an issuer that answers slowly is given up, wherever it is slow', async (t) => {
  const fetchJson = fetcher({ timeout: 300 })
  const silent = await openRawUpstream(t, () => undefined)
  const head = await openRawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n')
    const timer = setInterval(() => socket.write('x: y\r\n'), 50)
    socket.on('close', () => clearInterval(timer))
  })
  let closed = 0
  const body = await openRawUpstream(t, (socket) => {
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n{',
    )
    const timer = setInterval(() => socket.write(' '), 50)
    socket.on('close', () => {
      clearInterval(timer)
      closed++
    })
  })
  for (const { origin } of [silent, head, body]) {
    const fetched = await fetchJson(`${origin}/keys`, internal)
    assert.ok(!fetched.ok)
    assert.match(fetched.detail, /could not be fetched: (TimeoutError|23|UND_ERR)/)
  }
  await until('the slow connection is closed', () => (closed === 1 ? true : undefined))
})

test('over https the certificate is checked, for an internal issuer too', async (t) => {
  let requests = 0
  const server = createTlsServer({ key: loopbackKey, cert: loopbackCert }, (_request, response) => {
    requests++
    response.writeHead(200, json).end('{"keys":[]}')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `https://localhost:${port}/keys`
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  const untrusted = await fetcher()(url, internal)
  if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  assert.ok(!untrusted.ok)
  assert.match(untrusted.detail, /SELF_SIGNED/)
  assert.equal(requests, 0)

  const authorities = getCACertificates('default')
  setDefaultCACertificates([...authorities, loopbackCert.toString()])
  t.after(() => setDefaultCACertificates(authorities))
  assert.equal((await fetcher()(url, internal)).ok, true)
  // Another name than the certificate’s, at the same address.
  const lookup: typeof publicLookup = (_name, options, callback) =>
    options.all === true
      ? callback(null, [{ address: '127.0.0.1', family: 4 }])
      : callback(null, '127.0.0.1', 4)
  const other = await fetcher({ lookup })(`https://issuer.example:${port}/keys`, {
    internal: false,
  })
  assert.ok(!other.ok)
  assert.match(other.detail, /ALTNAME/)
  assert.equal(requests, 1)
})

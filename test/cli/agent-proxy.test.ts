/** `valetkey agent proxy` between a real broker and clients that know nothing of DPoP. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'
import { startAnthropicStandIn } from '../support/anthropic-stand-in.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { openStage, read } from '../support/stage.ts'
import { grantOn, type Granted } from '../support/world.ts'
import { cli, type CliResult } from './world.ts'

type Running = {
  readonly address: string
  readonly secret: string
  readonly directory: string
  stop(): Promise<CliResult>
}

async function start(
  t: TestContext,
  broker: Pick<TestBroker, 'url'>,
  granted: Granted,
  flags: readonly string[] = [],
  now: () => number = Date.now,
): Promise<Running> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'vk-proxy-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const keyFile = path.join(directory, 'agent.key')
  writeFileSync(keyFile, `${granted.agentKey}\n`, { mode: 0o600 })
  const started = Promise.withResolvers<readonly string[]>()
  const stopping = Promise.withResolvers<void>()
  const argv = ['agent', 'proxy', '--agent', granted.agentId, '--key-file', keyFile, '--json']
  const running = cli([...argv, '--url', broker.url, ...flags], {
    fetch,
    now,
    stopped(out) {
      started.resolve(out)
      return stopping.promise
    },
  })
  const stop = (): Promise<CliResult> => {
    stopping.resolve()
    return running
  }
  t.after(stop)
  const out = await Promise.race([
    started.promise,
    running.then(({ err }) => Promise.reject(new Error(err.join('\n')))),
  ])
  const { address, secret = '' } = JSON.parse(out.join('\n')) as {
    address: string
    secret?: string
  }
  return { address, secret, directory, stop }
}

type Sent = { readonly status: number; readonly body: string }

/** As bytes, so that `Host` and the rest can be anything. */
function send(
  address: string,
  headers: Readonly<Record<string, string>>,
  options: { readonly path?: string; readonly method?: string; readonly body?: string } = {},
): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const url = new URL(address)
    const outgoing = http.request(
      {
        host: url.hostname,
        port: url.port,
        path: options.path ?? '/proxy/railway/graphql/v2',
        method: options.method ?? 'POST',
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(options.body ?? JSON.stringify(read))
  })
}

test('an unmodified client acts through it under a grant that requires a bound capability, and streams', async (t) => {
  const upstream = await startAnthropicStandIn()
  t.after(() => upstream.close())
  const broker = await openTestBroker(t, { upstreams: { anthropic: upstream.origin } })
  const granted = await grantOn(broker, {
    provider: 'anthropic',
    bindings: [{ provider: 'anthropic', kind: 'key', id: 'own' }],
    secret: upstream.key,
    grant: {
      verbs: ['read', 'beta.messages.messages.create'],
      approval: 'never',
      require_dpop: true,
    },
  })
  const { address, secret } = await start(t, broker, granted)
  for (const carrier of [
    { apiKey: secret, authToken: null },
    { apiKey: null, authToken: secret },
  ]) {
    const anthropic = new Anthropic({
      ...carrier,
      baseURL: `${address}/proxy/anthropic`,
      maxRetries: 0,
    })
    const wish = {
      model: 'claude-opus-4-1',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'Say hello.' }],
    } satisfies Anthropic.MessageCreateParamsNonStreaming
    const message = await anthropic.messages.create(wish)
    assert.deepEqual(message.content, [{ type: 'text', text: 'Hello there' }])
    const texts: string[] = []
    for await (const event of await anthropic.messages.create({ ...wish, stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
        texts.push(event.delta.text)
      // The stand-in waits after its first half: what comes before has come through by now.
      if (texts.length === 1) upstream.goOn()
    }
    assert.equal(texts.join(''), 'Hello there')
  }
  for (const { headers } of upstream.requests) {
    assert.equal(headers['x-api-key'], upstream.key)
    assert.equal(headers['dpop'], undefined)
    assert.ok(!JSON.stringify(headers).includes(secret))
  }
})

test('nobody uses it without the secret, and no page of a browser with it', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { address, secret } = await start(t, broker, granted)
  const { host, port } = new URL(address)
  const good = { authorization: `Bearer ${secret}` }
  assert.equal((await send(address, good)).status, 200)
  assert.equal((await send(address, { ...good, host: `localhost:${port}` })).status, 200)
  upstream.received.length = 0
  const wrong: readonly (readonly [string, number, Record<string, string>, string?])[] = [
    ['no secret', 401, {}],
    ['another secret', 401, { authorization: `Bearer vkl_${'A'.repeat(43)}` }],
    ['the beginning of it', 401, { authorization: `Bearer ${secret.slice(0, -1)}` }],
    ['a capability', 401, { authorization: `Bearer ${await granted.token()}` }],
    ['the secret twice', 401, { ...good, 'project-access-token': secret }],
    ['another name for this machine', 400, { ...good, host: `evil.test:${port}` }],
    ['our name at another port', 400, { ...good, host: 'localhost:1' }],
    ['a page', 400, { ...good, origin: 'http://evil.test' }],
    ['a page of ours', 400, { ...good, origin: address }],
    ['a page that hides where it is from', 400, { ...good, origin: 'null' }],
    ['a form of a page', 400, { ...good, 'sec-fetch-site': 'cross-site' }],
    ['an upgrade', 400, { ...good, connection: 'upgrade', upgrade: 'websocket' }],
    ['a path that is not for capabilities', 404, good, '/v1/grants'],
    ['the token endpoint', 404, good, '/oauth/token'],
    ['an absolute target', 404, good, `http://${host}/proxy/railway/graphql/v2`],
  ]
  for (const [what, status, headers, target] of wrong) {
    const answer = await send(address, headers, target === undefined ? {} : { path: target })
    assert.equal(answer.status, status, what)
    assert.ok(!answer.body.includes(secret), what)
  }
  const preflight = await send(
    address,
    { origin: 'http://evil.test', 'access-control-request-method': 'POST' },
    { method: 'OPTIONS', body: '' },
  )
  assert.equal(preflight.status, 400)
  assert.deepEqual(upstream.received, [])
})

test('what the broker refuses is refused in its own words', async (t) => {
  const { broker, granted } = await openStage(t)
  const { address, secret } = await start(t, broker, granted)
  const headers = { authorization: `Bearer ${secret}` }
  const answer = await send(address, headers, { body: '{"query":"mutation { volumeDelete }"}' })
  assert.ok(answer.status >= 400 && answer.status < 500)
  assert.match((JSON.parse(answer.body) as { type: string }).type, /^urn:valetkey:problem:/)
  for (const path of ['/v1/access-requests/own', '/v1/leases/own']) {
    const own = await send(address, headers, { path, method: 'GET', body: '' })
    assert.equal(own.status, 200, own.body)
  }
})

test('a capability that was revoked is replaced, and one that ends is renewed before', async (t) => {
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const { broker, granted } = await openStage(t, { now })
  const { address, secret } = await start(t, broker, granted, [], now)
  const headers = { authorization: `Bearer ${secret}` }
  assert.equal((await send(address, headers)).status, 200)
  const issued = () =>
    broker.broker.db
      .selectFrom('audit_entry')
      .select('canonical')
      .where('kind', '=', 'issuance')
      .execute()
  const before = (await issued()).length
  ahead = 290_000
  assert.equal((await send(address, headers)).status, 200)
  assert.equal((await issued()).length, before + 1)
  const [last] = (await issued()).slice(-1)
  const { capabilityId } = JSON.parse(last?.canonical ?? '{}') as { capabilityId: string }
  await broker.api('POST', `/v1/capabilities/${capabilityId}/revoke`, {})
  assert.equal((await send(address, headers)).status, 401)
  assert.equal((await send(address, headers)).status, 200)
})

test('many at once wait for one capability, and a body that is streamed needs no second try', async (t) => {
  let ahead = 0
  const now = (): number => Date.now() + ahead
  const { broker, granted } = await openStage(t, { now })
  const { address, secret } = await start(t, broker, granted, [], now)
  const headers = { authorization: `Bearer ${secret}` }
  ahead = 290_000
  const statuses = await Promise.all(
    Array.from({ length: 16 }, async () => (await send(address, headers)).status),
  )
  assert.deepEqual(statuses, Array<number>(16).fill(200))
  ahead += 8 * 60_000
  const chunked = await send(address, { ...headers, 'transfer-encoding': 'chunked' })
  assert.equal(chunked.status, 200)
})

test('it listens on loopback only, or on a socket that is its owner’s, and says so of anything else', async (t) => {
  const { broker, granted } = await openStage(t)
  for (const listen of ['0.0.0.0:0', '192.168.1.2:8475', '[::]:0', 'example.com:1', '127.0.0.1'])
    await assert.rejects(start(t, broker, granted, ['--listen', listen]), /address of loopback/)
  const { directory } = await start(t, broker, granted)
  const socket = path.join(directory, 'vk.sock')
  const secretFile = path.join(directory, 'secret')
  const files = ['--socket', socket, '--secret-file', secretFile]
  const running = await start(t, broker, granted, files)
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  assert.equal(statSync(secretFile).mode & 0o777, 0o600)
  assert.equal(running.secret, '')
  const secret = readFileSync(secretFile, 'utf8').trim()
  const answer = await new Promise<number>((resolve, reject) => {
    const outgoing = http.request(
      {
        socketPath: socket,
        path: '/proxy/railway/graphql/v2',
        method: 'POST',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(JSON.stringify(read))
  })
  assert.equal(answer, 200)
  await assert.rejects(start(t, broker, granted, ['--socket', socket]), /Another process listens/)
  const mistaken = path.join(directory, 'agent.key')
  await assert.rejects(
    start(t, broker, granted, ['--secret-file', mistaken]),
    /holds something else/,
  )
  assert.ok(readFileSync(mistaken, 'utf8').startsWith('vka_'))
})

test('it does not start where the key is wrong, nor make proofs for a broker of another name', async (t) => {
  const { broker, granted } = await openStage(t)
  const wrong = { ...granted, agentKey: `${granted.agentKey.slice(0, -4)}AAAA` }
  await assert.rejects(start(t, broker, wrong), /invalid_client/)
  const other = http.createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"issuer":"https://broker.example"}')
  })
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const posing = { url: `http://127.0.0.1:${String(port)}` }
  await assert.rejects(start(t, posing, granted), /does not call itself so/)
})

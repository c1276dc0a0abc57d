import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import zlib from 'node:zlib'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { railwayIds } from '../support/railway-world.ts'
import { until } from '../support/until.ts'
import { answerOf, grantOn, railway } from '../support/world.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const read = JSON.stringify({ query: `{ environment(id: "${railwayIds.staging}") { id } }` })

/** What the provider does with the next request. */
let next: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) =>
  response.end('{}')
const upstream = http.createServer((request, response) => {
  request.resume()
  request.on('end', () => next(request, response))
})
let broker: TestBroker
let token: string
let origin: string

before(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  origin = `http://127.0.0.1:${String((upstream.address() as AddressInfo).port)}`
  broker = await openTestBroker(undefined, { upstreams: { railway: origin } })
  token = await (await grant({})).token()
})
after(async () => {
  await broker.close()
  upstream.closeAllConnections()
  upstream.close()
})

let environments = 0
function grant(wish: Record<string, unknown>) {
  return grantOn(broker, {
    provider: 'railway',
    environment: `deliver/${String(++environments)}`,
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
    grant: wish,
  })
}

function send(): Promise<Response> {
  return fetch(`${broker.url}/proxy/railway/graphql/v2`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: read,
    redirect: 'manual',
  })
}

type Outcome = { result: string; status?: number; bytes?: number }
async function outcomeOf(correlationId: string | null): Promise<Outcome> {
  return until('an outcome is recorded', async () => {
    const page = await broker.api<{ items: { entry: Outcome }[] }>(
      'GET',
      `/v1/audit?kind=outcome&correlation=${correlationId ?? ''}`,
    )
    return page.items[0]?.entry
  })
}

test('events pass as they come, each before the next is sent', async () => {
  let more: (() => void) | undefined
  next = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: one\n\n')
    more = () => response.end('data: two\n\n')
  }
  const answer = await send()
  const reader = answer.body?.getReader()
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), 'data: one\n\n')
  more?.()
  assert.equal(new TextDecoder().decode((await reader?.read())?.value), 'data: two\n\n')
  assert.equal((await reader?.read())?.done, true)
  assert.equal((await outcomeOf(answer.headers.get('valetkey-correlation-id'))).result, 'completed')
})

test('an answer of a gigabyte passes at the agent’s pace, and does not stay in memory', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x')
  const chunks = 1024
  next = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' })
    let sent = 0
    const more = (): void => {
      while (sent < chunks) {
        sent++
        if (!response.write(chunk)) {
          response.once('drain', more)
          return
        }
      }
      response.end()
    }
    more()
  }
  const before = process.memoryUsage().rss
  let peak = before
  let bytes = 0
  const answer = await send()
  for await (const piece of answer.body ?? []) {
    bytes += (piece as Uint8Array).length
    if (bytes % (1 << 24) < 70_000) peak = Math.max(peak, process.memoryUsage().rss)
  }
  assert.equal(bytes, chunks * chunk.length)
  // Broker, provider and agent are all in this one process; what is held is a few buffers of each.
  assert.ok(
    peak - before < 300 * 1024 * 1024,
    `${String((peak - before) >> 20)} MiB more were held`,
  )
})

test('a compressed answer is decoded and scrubbed, also where the secret lies across two pieces', async () => {
  const whole = zlib.gzipSync(`{"debug":"${secret}"}`)
  next = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.write(whole.subarray(0, 20))
    setImmediate(() => response.end(whole.subarray(20)))
  }
  const answer = await answerOf(await send())
  assert.equal(answer.text, '{"debug":"[redacted]"}')
  assert.equal(answer.headers.get('content-encoding'), null)
})

test('a redirect goes back to the agent and is not followed', async () => {
  let requests = 0
  next = (_request, response) => {
    requests++
    response.writeHead(302, { location: `${origin}/elsewhere?token=${secret}` })
    response.end()
  }
  const answer = await answerOf(await send())
  assert.equal(answer.status, 302)
  assert.equal(answer.headers.get('location'), `${origin}/elsewhere?token=[redacted]`)
  assert.equal(requests, 1)
})

test('an agent that goes away ends the exchange with the provider, on record as aborted', async () => {
  let closed: Promise<unknown> | undefined
  next = (_request, response) => {
    closed = once(response, 'close')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: one\n\n')
  }
  const answer = await send()
  await answer.body?.cancel()
  await closed
  assert.equal((await outcomeOf(answer.headers.get('valetkey-correlation-id'))).result, 'aborted')
})

test('the broker’s refusals and the provider’s can be told apart', async () => {
  next = (_request, response) => {
    response.writeHead(403, {
      'content-type': 'application/problem+json',
      'valetkey-decision': 'deny',
    })
    response.end('{"code":"verb_missing"}')
  }
  const theirs = await answerOf(await send())
  assert.equal(theirs.status, 403)
  assert.equal(theirs.headers.get('valetkey-decision'), 'allow')
  const ours = await railway(broker.url, token, {
    query: 'mutation { volumeDelete(volumeId: "x") }',
  })
  assert.equal(ours.status, 403)
  assert.equal(ours.headers.get('valetkey-decision'), 'deny')
})

const minted = 'b3f1c2d4-aaaa-4bbb-8ccc-0123456789ab'
const mint = {
  query: `mutation { key: projectTokenCreate(input: { projectId: "${railwayIds.project}", environmentId: "${railwayIds.staging}", name: "x" }) }`,
}

function mintingProvider(request: IncomingMessage, response: ServerResponse): void {
  void request
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ data: { key: minted } }))
}

test('a credential that the provider mints is redacted, sealed or revealed, as the grant says', async () => {
  for (const kept of ['redact', 'seal', 'reveal'] as const) {
    const granted = await grant({ verbs: ['projectTokenCreate'], approval: 'never', minted: kept })
    const capability = await granted.token()
    // The look-up of the project's environments comes first, then the mutation itself.
    next = (request, response) => {
      lookUps++
      if (lookUps > 1) return mintingProvider(request, response)
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(projectAnswer))
    }
    let lookUps = 0
    const answer = await railway(broker.url, capability, mint)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(
      (answer.json['data'] as { key: string }).key,
      kept === 'reveal' ? minted : '[redacted]',
    )
    const sealed = answer.headers.get('valetkey-sealed-credential')
    assert.equal(sealed !== null, kept === 'seal')
    if (sealed === null) continue
    const credential = await broker.api<{ environment: string; provider: string }>(
      'GET',
      `/v1/credentials/${sealed}`,
    )
    assert.equal(credential.environment, granted.environmentId)
    assert.ok(!JSON.stringify(credential).includes(minted))
  }
})

const projectAnswer = {
  data: {
    project: {
      id: railwayIds.project,
      environments: {
        pageInfo: { hasNextPage: false, endCursor: null },
        edges: [{ node: { id: railwayIds.staging } }],
      },
    },
  },
}

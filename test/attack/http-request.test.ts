/** Requests that are odd before anyone has looked at what they ask for: their method, target, host, framing and size. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { serverOptions } from '../../src/app.ts'
import { entries, openStage, read } from '../support/stage.ts'
import { rawRequest } from '../support/raw-request.ts'

const body = JSON.stringify(read)

test('an odd request', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const token = await granted.token()
  const { host } = new URL(broker.url)
  const bearer = `authorization: Bearer ${token}\r\n`
  const json = `content-type: application/json\r\ncontent-length: ${String(body.length)}\r\n`

  const send = (line: string, fields = '', content = '', hosts = `host: ${host}\r\n`) =>
    rawRequest(
      broker.url,
      `${line} HTTP/1.1\r\n${hosts}${/connection:/i.test(fields) ? '' : 'connection: close\r\n'}${bearer}${fields}\r\n${content}`,
    )
  const forwarded = async (
    work: () => Promise<{
      status: number
      headers: Readonly<Record<string, string>>
      body: string
    }>,
  ) => {
    const before = upstream.received.length
    const answer = await work()
    return { ...answer, sent: upstream.received.length - before }
  }
  const target = '/proxy/railway/graphql/v2'
  const entryOf = async (answer: { body: string }) => {
    const { correlation_id: id } = JSON.parse(answer.body) as { correlation_id: string }
    return (await entries(broker)).find((entry) => entry['correlationId'] === id)
  }

  await t.test(
    'has a plain sibling that is forwarded, so that the others are refused for what is odd',
    async () => {
      const answer = await forwarded(() => send(`POST ${target}`, json, body))
      assert.equal(answer.status, 200)
      assert.equal(answer.sent, 1)
    },
  )

  for (const method of [
    'TRACE',
    'PURGE',
    'OPTIONS',
    'PROPFIND',
    'LINK',
    'GET',
    'DELETE',
    'PATCH',
  ]) {
    await t.test(`with the method ${method} is refused as a problem, on record`, async () => {
      const answer = await forwarded(() => send(`${method} ${target}`))
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status))
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal(answer.sent, 0)
      const entry = await entryOf(answer)
      assert.equal(entry?.['method'], method)
      assert.equal(entry?.['result'], 'deny')
    })
  }

  await t.test('with CONNECT gets no tunnel', async () => {
    for (const line of ['CONNECT example.com:443', `CONNECT ${target}`]) {
      const answer = await forwarded(() => send(line))
      assert.ok(answer.status === 0 || answer.status >= 400)
      assert.equal(answer.sent, 0)
    }
  })

  for (const line of [
    `POST http://HOST${target}`,
    'POST http://backboard.railway.com/graphql/v2',
    'POST https://backboard.railway.com/graphql/v2',
    'POST /%70roxy/railway/graphql/v2',
    'POST /proxy/%72ailway/graphql/v2',
    'POST /%70roxy',
    'POST //proxy/railway/graphql/v2',
    'POST /./proxy/railway/graphql/v2',
    'POST /Proxy/railway/graphql/v2',
    'POST /proxy/Railway/graphql/v2',
    'POST /proxy/railway;x/graphql/v2',
    'POST /proxy/github/../railway/graphql/v2',
    'POST /v1/../proxy/railway/graphql/v2',
    'POST /proxy/railway\\graphql\\v2',
    'POST /proxy/railway/graphql/v2/',
    'POST /proxy/railway/graphql/v2%00',
    'POST *',
    'POST ?/proxy/railway/graphql/v2',
    'POST proxy/railway/graphql/v2',
  ]) {
    await t.test(`for the target ${JSON.stringify(line)} is forwarded to nobody`, async () => {
      const answer = await forwarded(() => send(line.replace('HOST', host), json, body))
      assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status))
      assert.equal(answer.headers['content-type'], 'application/problem+json')
      assert.equal(answer.sent, 0)
    })
  }

  await t.test('does not reach the operators’ realm by way of the proxy', async () => {
    for (const line of [
      'GET /proxy/../v1/agents',
      `GET http://${host}/v1/me`,
      'GET /proxy/v1/me',
    ]) {
      const answer = await send(line)
      assert.equal(answer.status, 404, line)
    }
  })

  await t.test(
    'for a Host that is not ours, for two, or for none is refused in every realm',
    async () => {
      for (const path of [`POST ${target}`, 'GET /v1/me', 'GET /healthz', 'POST /oauth/token']) {
        for (const hosts of [
          'host: evil.example\r\n',
          `host: evil.example:${new URL(broker.url).port}\r\n`,
          'host: localhost:1\r\n',
          `host: ${host}.evil.example\r\n`,
          `host: user@${host}\r\n`,
          'host: \r\n',
          `host: ${host}\r\nhost: ${host}\r\n`,
          `host: ${host}\r\nhost: evil.example\r\n`,
          `host: evil.example\r\nhost: ${host}\r\n`,
          '',
        ]) {
          const answer = await forwarded(() => send(path, json, body, hosts))
          assert.equal(answer.status, 400, `${path} ${JSON.stringify(hosts)}`)
          assert.equal(answer.sent, 0)
        }
      }
    },
  )

  await t.test('that would be given another host by a header in front of it is not', async () => {
    const fields = `${json}x-forwarded-host: evil.example\r\nx-original-url: /v1/agents\r\nx-rewrite-url: /v1/agents\r\n`
    const answer = await forwarded(() => send(`POST ${target}`, fields, body))
    assert.equal(answer.status, 200)
    assert.equal(answer.sent, 1)
  })

  await t.test(
    'with a body where none belongs, or an upgrade, or an override is refused',
    async () => {
      for (const [line, fields, content] of [
        [`GET ${target}`, json, body],
        [`GET ${target}`, 'transfer-encoding: chunked\r\n', '0\r\n\r\n'],
        [`POST ${target}`, `${json}connection: upgrade\r\nupgrade: websocket\r\n`, body],
        [`POST ${target}`, `${json}connection: upgrade, http2-settings\r\nupgrade: h2c\r\n`, body],
        [`POST ${target}`, `${json}connection: authorization\r\n`, body],
        [`POST ${target}`, `${json}x-http-method-override: GET\r\n`, body],
        [`POST ${target}`, `${json}authorization: Bearer x\r\n`, body],
        [`POST ${target}`, `${json}content_length: 5\r\n`, body],
        [`POST ${target}`, `${json}expect: 200-ok\r\n`, body],
      ] as const) {
        const answer = await forwarded(() => send(line, fields, content))
        assert.ok(answer.status >= 400 && answer.status < 500, `${fields} ${String(answer.status)}`)
        assert.equal(answer.sent, 0)
      }
    },
  )

  await t.test('that asks to go on with 100-continue is answered like any other', async () => {
    const answer = await forwarded(() =>
      send(`POST ${target}`, `${json}expect: 100-continue\r\n`, body),
    )
    assert.equal(answer.status, 200)
    assert.equal(answer.sent, 1)
  })

  await t.test('beyond two mebibytes is refused, by its length and by its chunks', async () => {
    const size = 2 * 1024 * 1024 + 1
    const type = 'content-type: application/json\r\n'
    const chunk = `${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`
    for (const [fields, content] of [
      [`${type}content-length: ${String(size)}\r\n`, '{'],
      [`${type}transfer-encoding: chunked\r\n`, chunk],
    ] as const) {
      const answer = await forwarded(() => send(`POST ${target}`, fields, content))
      assert.equal(answer.status, 413)
      assert.equal(answer.sent, 0)
      assert.equal((await entryOf(answer))?.['reason'], 'payload_too_large')
    }
  })

  await t.test(
    'that is no HTTP, or has too large a header, is answered with a problem all the same',
    async () => {
      const garbage = await rawRequest(broker.url, 'GARBAGE\r\n\r\n')
      assert.equal(garbage.status, 400)
      const both = await send(`POST ${target}`, `${json}transfer-encoding: chunked\r\n`, body)
      assert.equal(both.status, 400)
      const large = await send(`POST ${target}`, `x: ${'a'.repeat(40_000)}\r\n`)
      assert.equal(large.status, 431)
      for (const { headers } of [garbage, both, large])
        assert.equal(headers['content-type'], 'application/problem+json')
    },
  )

  await t.test('that comes slowly has a bound: for its header, and for the whole of it', () => {
    const { server } = broker.broker.app
    assert.equal(server.headersTimeout, serverOptions.headersTimeout)
    assert.equal(server.requestTimeout, serverOptions.requestTimeout)
    assert.ok(server.requestTimeout > 0 && server.requestTimeout <= 60_000)
    assert.ok(server.headersTimeout > 0 && server.headersTimeout <= server.requestTimeout)
  })

  await t.test(
    'at a path that is not there, or cannot be read, is told so as a problem',
    async () => {
      for (const [line, status] of [
        ['GET /nope', 404],
        ['DELETE /v1/agents', 404],
        ['GET /v1/agents/%zz', 400],
        ['GET /proxy/nope/x', 404],
      ] as const) {
        const answer = await send(line)
        assert.equal(answer.status, status, line)
        assert.equal(answer.headers['content-type'], 'application/problem+json')
        assert.ok(!/node_modules|src\/|at .*\(/.test(answer.text))
      }
    },
  )
})

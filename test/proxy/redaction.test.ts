import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import type { Invocation } from '../../src/core/operation.ts'
import { redactionFor, redactedField, redactedHeaders } from '../../src/proxy/redaction.ts'
import { credential, openDeliveryStage } from '../support/delivery.ts'

const invocation: Invocation = {
  operation: 'repos/get',
  effects: ['read'],
  added: [],
  scope: 'environment',
  arguments: {},
  resources: [],
  widens: [],
}
const clone = [['temp_clone_token']]
const revealed = { minted: [], revealed: clone }

describe('what is taken out of an answer', () => {
  const adapter = { revealed: () => clone, minted: () => ({ paths: [['token']] }) }

  test('is what its operations reveal, but for those that were allowed with the effect secret', () => {
    const { revealed } = adapter
    const of = (one: Partial<Invocation>) =>
      redactionFor({ revealed }, false, [{ invocation: { ...invocation, ...one } }])
    assert.deepEqual(of({}), { minted: [], revealed: clone })
    assert.equal(of({ effects: ['read', 'secret'] }), undefined)
    assert.equal(of({ added: ['secret'] }), undefined)
    assert.equal(redactionFor({}, false, [{ invocation }]), undefined)
  })

  test('is, of several operations, what each reveals on its own', () => {
    const field = (invocation: Invocation) => [['data', invocation.responseKey ?? '', 'token']]
    const found = redactionFor({ revealed: field }, false, [
      { invocation: { ...invocation, responseKey: 'a', added: ['secret'] } },
      { invocation: { ...invocation, responseKey: 'b' } },
    ])
    assert.deepEqual(found, { minted: [], revealed: [['data', 'b', 'token']] })
  })

  test('is what a selection marks as secret, where its effect was not', () => {
    const secretPaths = [['data', 'x', 'value']]
    const of = (one: Partial<Invocation>) =>
      redactionFor({}, false, [{ invocation: { ...invocation, secretPaths, ...one } }])
    assert.deepEqual(of({}), { minted: [], revealed: secretPaths })
    assert.equal(of({ added: ['secret'] }), undefined)
  })

  test('is what they mint, whatever their effects, unless the grant shows it', () => {
    const { minted } = adapter
    const operations = [{ invocation: { ...invocation, effects: ['write', 'secret'] as const } }]
    assert.deepEqual(redactionFor({ minted }, false, operations), {
      minted: [['token']],
      revealed: [],
    })
    assert.equal(redactionFor({ minted }, true, operations), undefined)
  })
})

describe('a redacted answer', () => {
  test('keeps every byte but the field, and says which it was', async (t) => {
    const stage = await openDeliveryStage(t)
    const text = '{ "id" : 12345678901234567890, "temp_clone_token": "T", "name":"a\\u0062" }'
    const { answer, body, delivered } = await stage.exchange((_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': text.length,
        etag: '"strong"',
        'content-md5': 'x',
        digest: 'sha-256=x',
        'content-digest': 'sha-256=:x:',
        'repr-digest': 'sha-256=:x:',
        'x-amz-checksum-crc32': 'x',
        'accept-ranges': 'bytes',
        'x-kept': '1',
      })
      response.end(text)
    }, revealed)
    assert.equal(body?.toString(), text.replace('"T"', '"[redacted]"'))
    assert.equal(answer?.headers.get('valetkey-redacted'), 'temp_clone_token')
    assert.equal(answer?.headers.get('content-length'), String(body?.length))
    assert.equal(answer?.headers.get('etag'), 'W/"strong"')
    assert.equal(answer?.headers.get('x-kept'), '1')
    for (const [name] of answer?.headers ?? []) {
      assert.ok(!/digest|md5|checksum|accept-ranges/.test(name), name)
    }
    assert.equal(delivered.outcome.result, 'completed')
    assert.equal(delivered.outcome.bytes, text.length)
  })

  test('says nothing where nothing was in it', async (t) => {
    const stage = await openDeliveryStage(t)
    const text = '{"id":1,"temp_clone_token":""}'
    const { answer, body } = await stage.exchange(
      (_request, response) => response.end(text),
      revealed,
    )
    assert.equal(body?.toString(), text)
    assert.equal(answer?.headers.get('valetkey-redacted'), null)
  })

  test('loses the credential too that it was asked with', async (t) => {
    const stage = await openDeliveryStage(t)
    const { body } = await stage.exchange(
      (_request, response) => response.end(`{"echo":"${credential}","temp_clone_token":"T"}`),
      revealed,
    )
    assert.equal(body?.toString(), '{"echo":"[redacted]","temp_clone_token":"[redacted]"}')
  })

  test('of any size streams, says beforehand what may be missing, and is not held', async (t) => {
    const stage = await openDeliveryStage(t)
    const item = `{"temp_clone_token":"T","fill":"${'x'.repeat(1000)}"}`
    const count = 3_000
    const { answer, body, delivered } = await stage.exchange(
      (_request, response) => {
        response.setHeader('content-encoding', 'gzip')
        response.end(zlib.gzipSync(`[${Array.from({ length: count }, () => item).join(',')}]`))
      },
      {
        minted: [],
        revealed: [
          ['*', 'temp_clone_token'],
          ['*', 'parent', 'temp_clone_token'],
        ],
      },
    )
    const items = JSON.parse(body?.toString() ?? '') as { temp_clone_token: string }[]
    assert.equal(items.length, count)
    assert.ok(items.every((one) => one.temp_clone_token === '[redacted]'))
    assert.equal(
      answer?.headers.get('valetkey-redacted'),
      '*.temp_clone_token, *.parent.temp_clone_token',
    )
    assert.equal(answer?.headers.get('content-length'), null)
    assert.equal(delivered.outcome.result, 'completed')
  })

  test('reaches the agent before the provider has sent the rest of it', async (t) => {
    const stage = await openDeliveryStage(t)
    let more: (() => void) | undefined
    const { body } = await stage.exchange(
      (_request, response) => {
        response.write(`{"temp_clone_token":"T","fill":"${'x'.repeat(100_000)}"`)
        more = () => response.end(',"temp_clone_token":"T"}')
      },
      revealed,
      { onFirst: () => more?.() },
    )
    assert.ok(body?.toString().endsWith('","temp_clone_token":"[redacted]"}'))
  })
})

describe('an answer that holds no object passes', () => {
  const passing: readonly (readonly [string, number, string | undefined, string])[] = [
    ['no content', 204, undefined, ''],
    ['not modified', 304, undefined, ''],
    ['an empty success', 200, 'application/json', ''],
    ['a redirect with a page', 302, 'text/html', '<a href="/x">x</a>'],
    ['a redirect with JSON', 301, 'application/json', '{"url":"/repositories/1"}'],
    ['an error in HTML', 502, 'text/html', '<h1>502</h1>'],
    ['an error in JSON', 404, 'application/json', '{"message":"Not Found"}'],
    ['a diff', 200, 'application/vnd.github.v3.diff; charset=utf-8', 'diff --git a/x b/x'],
    ['a patch', 200, 'application/vnd.github.patch', 'From 0123'],
  ]
  for (const [name, status, type, text] of passing) {
    test(name, async (t) => {
      const stage = await openDeliveryStage(t)
      const { answer, body } = await stage.exchange((_request, response) => {
        response.writeHead(status, type === undefined ? {} : { 'content-type': type })
        response.end(text)
      }, revealed)
      assert.equal(answer?.status, status)
      assert.equal(body?.toString(), text)
      assert.equal(answer?.headers.get('valetkey-redacted'), null)
    })
  }

  test('the answer to HEAD', async (t) => {
    const stage = await openDeliveryStage(t)
    const { answer } = await stage.exchange(
      (_request, response) => {
        response.writeHead(200, { 'content-length': 5_000, etag: '"x"' })
        response.end()
      },
      revealed,
      { method: 'HEAD' },
    )
    assert.equal(answer?.status, 200)
    assert.equal(answer?.headers.get('etag'), 'W/"x"')
  })
})

describe('a minted credential', () => {
  const minted = { minted: [['data', 'keys', 'secret']], revealed: [] }

  test('is taken out of a list that its path does not mention, and each is given to be sealed', async (t) => {
    const stage = await openDeliveryStage(t)
    const given: string[] = []
    const { answer, body } = await stage.exchange(
      (_request, response) =>
        response.end('{"data":{"keys":[{"secret":"one","n":1.0},{"secret":"t\\u0077o"}]}}'),
      minted,
      {
        onMinted(value) {
          given.push(value)
          return Promise.resolve(`cred-${String(given.length)}`)
        },
      },
    )
    assert.equal(
      body?.toString(),
      '{"data":{"keys":[{"secret":"[redacted]","n":1.0},{"secret":"[redacted]"}]}}',
    )
    assert.deepEqual(given, ['one', 'two'])
    assert.equal(answer?.headers.get('valetkey-redacted'), 'data.keys.secret')
    assert.equal(answer?.headers.get('valetkey-sealed-credential'), 'cred-1, cred-2')
  })

  test('is never sealed where it is only revealed by the way', async (t) => {
    const stage = await openDeliveryStage(t)
    const given: string[] = []
    const { body } = await stage.exchange(
      (_request, response) => response.end('{"token":"m","temp_clone_token":"T"}'),
      { minted: [['token']], revealed: clone },
      {
        onMinted(value) {
          given.push(value)
          return Promise.resolve(undefined)
        },
      },
    )
    assert.equal(body?.toString(), '{"token":"[redacted]","temp_clone_token":"[redacted]"}')
    assert.deepEqual(given, ['m'])
  })

  test('withholds an answer that is not JSON, empty or an error included, or is too large to hold', async (t) => {
    const stage = await openDeliveryStage(t)
    for (const [status, text] of [
      [200, ''],
      [200, 'token'],
      [500, '<h1>500</h1>'],
      [200, `{"x":"${'x'.repeat(1_100_000)}"}`],
    ] as const) {
      const { delivered } = await stage.exchange((_request, response) => {
        response.writeHead(status)
        response.end(text)
      }, minted)
      assert.equal(delivered.failure?.code, 'upstream_failed')
      assert.equal(delivered.outcome.result, 'refused')
      assert.equal(delivered.outcome.status, status)
    }
  })

  test('that cannot be sealed withholds the answer', async (t) => {
    const stage = await openDeliveryStage(t)
    const { delivered } = await stage.exchange(
      (_request, response) => response.end('{"data":{"keys":{"secret":"one"}}}'),
      minted,
      { onMinted: () => Promise.reject(new Error('sealed')) },
    )
    assert.match(delivered.failure?.details.detail ?? '', /could not be sealed/)
  })
})

test('the header field that names what is missing stays short', () => {
  assert.deepEqual(redactedField([]), [])
  assert.deepEqual(redactedField(['a', 'b.*']), ['valetkey-redacted', 'a, b.*'])
  const [, many = ''] = redactedField(Array.from({ length: 500 }, (_, i) => `path.${String(i)}`))
  assert.ok(many.length < 1_010 && many.startsWith('path.0, path.1') && many.endsWith(', ...'))
  assert.deepEqual(redactedField(['x'.repeat(2_000)]), ['valetkey-redacted', '...'])
})

test('a weak ETag stays as it is', () => {
  assert.deepEqual(redactedHeaders(['ETag', 'W/"a"', 'etag', '"b"']), [
    'ETag',
    'W/"a"',
    'etag',
    'W/"b"',
  ])
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { answerHeaders, inspectRequestHeaders } from '../../src/proxy/headers.ts'

const same = (text: string) => text

describe('the header fields of a request', () => {
  test('come out by lower-case name', () => {
    const inspected = inspectRequestHeaders(['Host', 'a', 'Content-Length', '2', 'X-A', 'b'])
    assert.ok(inspected.ok)
    assert.deepEqual(Object.entries(inspected.headers), [
      ['host', 'a'],
      ['content-length', '2'],
      ['x-a', 'b'],
    ])
  })

  test('are joined where they are lists, and are refused where they come twice otherwise', () => {
    const inspected = inspectRequestHeaders(['accept', 'a', 'Accept', 'b', 'via', '1', 'via', '2'])
    assert.ok(inspected.ok)
    assert.equal(inspected.headers['accept'], 'a, b')
    assert.equal(inspected.headers['via'], '1, 2')
  })

  test('may ask for 100-continue, for chunks, and to close or keep the connection', () => {
    for (const raw of [
      ['Expect', '100-Continue', 'content-length', '0'],
      ['Transfer-Encoding', 'Chunked'],
      ['Connection', 'close'],
      ['connection', 'Keep-Alive'],
    ]) {
      assert.ok(inspectRequestHeaders(raw).ok, raw.join())
    }
  })

  test('are at most a hundred', () => {
    const fields = (count: number) =>
      Array.from({ length: count }, (_, i) => [`x-${i}`, '1']).flat()
    assert.ok(inspectRequestHeaders(fields(100)).ok)
    const inspected = inspectRequestHeaders(fields(101))
    assert.ok(!inspected.ok)
    assert.equal(inspected.refusal.code, 'header_fields_too_large')
  })
})

describe('the header fields of an answer', () => {
  test('pass, in order and as they were spelled, but for framing and coding, which the caller is told', () => {
    const answer = answerHeaders(
      [
        'Date',
        'd',
        'Content-Type',
        'a/b',
        'X-RateLimit',
        '1',
        'Content-Encoding',
        'gzip',
        'content-encoding',
        'br',
        'Content-Length',
        '9',
        'Location',
        '/x',
        'Link',
        'l',
      ],
      same,
      same,
    )
    assert.deepEqual(answer, {
      headers: [
        'Date',
        'd',
        'Content-Type',
        'a/b',
        'X-RateLimit',
        '1',
        'Location',
        '/x',
        'Link',
        'l',
      ],
      contentEncoding: 'gzip, br',
      contentType: 'a/b',
    })
    assert.equal(answerHeaders([], same, same).contentEncoding, undefined)
  })
})

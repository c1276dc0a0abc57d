/** A provider, or whoever sits before it, says more than it was asked: the rest must not answer the next request. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createEgress } from '../../src/proxy/egress.ts'
import { exchange } from '../support/exchange.ts'
import { openRawUpstream } from '../support/raw-upstream.ts'

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'

/** The answer to each of three requests, where the first is answered with `bytes`. */
async function answers(t: TestContext, bytes: string, options: { readonly method?: string } = {}) {
  const upstream = await openRawUpstream(t, (socket, nth, connection) => {
    socket.write(nth === 1 && connection === 1 ? bytes : good, 'latin1')
  })
  const egress = createEgress({
    allowInternal: new Set([upstream.origin]),
    headersTimeout: 500,
    bodyTimeout: 500,
  })
  t.after(() => egress.close())
  const first = await exchange(egress, upstream.origin, options)
  // Sent in the same turn as well as later: a poisoned connection must not be taken in either.
  const second = await exchange(egress, upstream.origin)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const third = await exchange(egress, upstream.origin)
  return { first, later: [second, third] }
}

for (const [name, bytes] of Object.entries({
  'two answers to one request': `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}${poison}`,
  'a 204 with a body': `HTTP/1.1 204 No Content\r\nContent-Length: 12\r\n\r\n{"poison":1}`,
  'a 204 with another answer for a body': `HTTP/1.1 204 No Content\r\nContent-Length: 44\r\n\r\n${poison}`,
  'a 304 with a body': `HTTP/1.1 304 Not Modified\r\nContent-Length: 44\r\n\r\n${poison}`,
  'Content-Length and Transfer-Encoding': `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n${poison}`,
  'two lengths': `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 50\r\n\r\n{}${poison}`,
  'a chunked answer with another behind it': `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n${poison}`,
  'no HTTP at all': `poison poison poison\r\n\r\n`,
})) {
  test(`the next answer is the next request's own, after ${name}`, async (t) => {
    const { first, later } = await answers(t, bytes)
    assert.ok(!first.body.includes('poison'), first.body)
    for (const { body, failure } of later) {
      // A connection that died of it may cost a request; it is never given an answer that is not its own.
      assert.ok(!body.includes('poison'), body)
      assert.ok(body === 'good' || failure !== undefined, body)
    }
    assert.equal(later[1]?.body, 'good')
  })
}

test('the answer to HEAD has no body, and what follows it answers nothing', async (t) => {
  const { first, later } = await answers(
    t,
    `HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison${poison}`,
    { method: 'HEAD' },
  )
  assert.ok(!first.body.includes('poison'))
  assert.equal(later[1]?.body, 'good')
})

test('interim answers are left out, however many header fields they bring', async (t) => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </token>; rel=preload\r\n\r\n'
  const { first } = await answers(t, `${hints}${hints}${good}`)
  assert.deepEqual(first.headers, ['Content-Length', '4'])
  assert.equal(first.body, 'good')
})

test('interim answers without end are not waited out', async (t) => {
  const { first } = await answers(t, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000))
  assert.equal(first.failure?.detail, 'TOO_MANY_INTERIM_ANSWERS')
})

test('an upgrade that nobody asked for fails the request', async (t) => {
  const { first, later } = await answers(
    t,
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  )
  assert.equal(first.status, undefined)
  assert.equal(first.failure?.kind, 'failed')
  assert.equal(later[1]?.body, 'good')
})

test('more header than can be read fails the request', async (t) => {
  const { first } = await answers(t, `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}\r\n\r\n`)
  assert.equal(first.status, undefined)
  assert.ok(first.failure !== undefined)
})

test('trailers are read and dropped', async (t) => {
  const trailer =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Token\r\n\r\n2\r\nok\r\n0\r\nX-Token: token\r\n\r\n'
  const { first } = await answers(t, trailer)
  assert.equal(first.body, 'ok')
  assert.ok(!JSON.stringify(first).includes('"token"'))
})

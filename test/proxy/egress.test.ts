import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createEgress, type Egress, type EgressOptions } from '../../src/proxy/egress.ts'
import { exchange } from '../support/exchange.ts'
import { openRawUpstream } from '../support/raw-upstream.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

function open(t: TestContext, origin: string, options: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({ allowInternal: new Set([origin]), ...options })
  t.after(() => egress.close())
  return egress
}

describe('the egress', () => {
  test('sends what it is given, and gives back status, header fields and body', async (t) => {
    const upstream = await openRawUpstream(t, (socket) =>
      socket.write(
        'HTTP/1.1 207 Odd\r\nX-A: 1\r\nx-a: \xe9\r\nContent-Length: 2\r\n\r\nok',
        'latin1',
      ),
    )
    const egress = open(t, upstream.origin)
    const answer = await exchange(egress, upstream.origin, {
      method: 'POST',
      target: '/a%2Fb?c=d',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body: Buffer.from('{}'),
    })
    assert.deepEqual(answer, {
      status: 207,
      headers: ['X-A', '1', 'x-a', '\xe9', 'Content-Length', '2'],
      body: 'ok',
      failure: undefined,
    })
    const { host } = new URL(upstream.origin)
    assert.deepEqual(upstream.received.join('').split('\r\n'), [
      'POST /a%2Fb?c=d HTTP/1.1',
      `host: ${host}`,
      'connection: keep-alive',
      'authorization: Bearer x',
      'content-type: application/json',
      'content-length: 2',
      '',
      '{}',
    ])
  })

  test('uses a connection again', async (t) => {
    const upstream = await openRawUpstream(t, (socket) => socket.write(ok))
    const egress = open(t, upstream.origin)
    for (let i = 0; i < 3; i++) {
      assert.equal((await exchange(egress, upstream.origin)).body, 'ok')
      // An answer ends a moment before its connection is free.
      await setImmediate()
    }
    assert.equal(upstream.connections(), 1)
  })

  test('gives a redirect back and follows none', async (t) => {
    const upstream = await openRawUpstream(t, (socket) =>
      socket.write('HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n'),
    )
    const answer = await exchange(open(t, upstream.origin), upstream.origin)
    assert.equal(answer.status, 302)
    assert.equal(upstream.received.length, 1)
  })

  test('says that nothing was sent where no connection could be made', async (t) => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.close()
    await once(server, 'close')
    const { failure } = await exchange(open(t, origin), origin)
    assert.deepEqual(failure, { kind: 'unreachable', sent: false, detail: 'ECONNREFUSED' })
  })

  test('says that nothing was sent where the request is not one', async (t) => {
    const upstream = await openRawUpstream(t, (socket) => socket.write(ok))
    const egress = open(t, upstream.origin)
    for (const request of [
      { headers: { 'x-a': 'b\r\nx-c: d' } },
      { headers: { 'x a': 'b' } },
      { target: '/a b' },
      { target: '/a\r\nx: y' },
      { target: 'http://elsewhere.example/' },
      { method: 'GET /x HTTP/1.1\r\n' },
    ]) {
      const { failure } = await exchange(egress, upstream.origin, request)
      assert.equal(failure?.sent, false, JSON.stringify(request))
      assert.equal(failure.kind, 'unreachable')
    }
    assert.equal(upstream.received.length, 0)
    assert.equal((await exchange(egress, upstream.origin)).body, 'ok')
  })

  test('says that it was sent where the answer never came, and sends it no second time', async (t) => {
    const upstream = await openRawUpstream(t, (socket, nth) => {
      if (nth === 1) socket.write(ok)
      else socket.destroy()
    })
    const egress = open(t, upstream.origin)
    await exchange(egress, upstream.origin)
    for (const method of ['GET', 'PUT', 'DELETE', 'POST']) {
      const received = upstream.received.length
      const { failure } = await exchange(egress, upstream.origin, { method })
      if (failure === undefined) continue
      assert.equal(failure.kind, 'failed')
      assert.ok(failure.sent)
      assert.equal(upstream.received.length, received + 1)
    }
  })

  test('says that the answer broke off', async (t) => {
    const upstream = await openRawUpstream(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      void setImmediate().then(() => socket.end())
    })
    const answer = await exchange(open(t, upstream.origin), upstream.origin)
    assert.equal(answer.body, 'half')
    assert.equal(answer.failure?.kind, 'failed')
    assert.ok(answer.failure.sent)
  })

  test('waits for an answer, and within one, no longer than it is told', async (t) => {
    const upstream = await openRawUpstream(t, (socket, nth) => {
      if (socket.bytesRead > 0 && nth === 1)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
    })
    const silent = await openRawUpstream(t, () => undefined)
    const short = { headersTimeout: 50, bodyTimeout: 50 }
    for (const { origin } of [upstream, silent]) {
      const { failure } = await exchange(open(t, origin, short), origin)
      assert.equal(failure?.kind, 'timeout')
      assert.ok(failure.sent)
    }
  })

  test('refuses a request where too many wait already, and sends none of those', async (t) => {
    const upstream = await openRawUpstream(t, () => undefined)
    const egress = open(t, upstream.origin, { connections: 1 })
    const all = Array.from({ length: 300 }, () => exchange(egress, upstream.origin))
    const { failure } = await all[299]!
    assert.deepEqual(failure, { kind: 'unreachable', sent: false, detail: 'QUEUE_FULL' })
    await egress.close()
    const failures = (await Promise.all(all)).map((answer) => answer.failure)
    assert.equal(failures.filter((one) => one?.sent === true).length, upstream.received.length)
  })

  test('slows the answer down where it is told to, and ends it', async (t) => {
    const piece = Buffer.alloc(65_536)
    let written = 0
    const upstream = await openRawUpstream(t, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n')
      const more = () => {
        while (!socket.destroyed && socket.write(piece)) written += piece.length
      }
      socket.on('drain', more)
      more()
    })
    const egress = open(t, upstream.origin)
    let got = 0
    const failure = await new Promise((resolve) => {
      egress.send(
        upstream.origin,
        { method: 'GET', target: '/', headers: {}, body: undefined },
        {
          onHeaders(_status, _headers, control) {
            control.pause()
            // What the machine's own buffers take is all that is written while nobody reads.
            let before = -1
            const settled = setInterval(() => {
              if (written !== before) {
                before = written
                return
              }
              clearInterval(settled)
              assert.ok(written < 100_000_000, String(written))
              assert.ok(got < 1_000_000)
              control.resume()
              control.abort()
            }, 30)
          },
          onData: (chunk) => void (got += chunk.length),
          onEnd: () => resolve('ended'),
          onError: resolve,
        },
      )
    })
    assert.deepEqual(failure, { kind: 'aborted', sent: true, detail: 'Aborted' })
  })
})

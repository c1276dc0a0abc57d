/** Somebody who is not the provider answers in its place: without its certificate, no byte of the request leaves. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { createEgress } from '../../src/proxy/egress.ts'
import { exchange } from '../support/exchange.ts'

// Made for this test, for `localhost`, signed by itself; it guards nothing.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDmjuY6wLQKlmoQJG
to8QLHk0Df2/keUYVin2ZF+CELuhRANCAAR87/X0c85ef/XX6S1PT3mGMXpQcoWt
VtgRRrMT+2ujIP3nID1NCSTd2qN9NSmmDhxHYTzoZCcr+iAGnPkvdD7b
-----END PRIVATE KEY-----
`
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUWjtzJgXbEaMCgdT7pQJQa7CypGQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0NTkxMFoYDzIxMjYxMDI4
MDQ1OTEwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR87/X0c85ef/XX6S1PT3mGMXpQcoWtVtgRRrMT+2ujIP3nID1NCSTd
2qN9NSmmDhxHYTzoZCcr+iAGnPkvdD7bo28wbTAdBgNVHQ4EFgQULfReVnJuTBl6
FAZ4Y36S3dw3QT0wHwYDVR0jBBgwFoAULfReVnJuTBl6FAZ4Y36S3dw3QT0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAPxebNcnYOTdMFEDpIoFpZBMCzWyHlmYF49lqYGeIC8qAiAU
cQQ15TEiKUIc5K9gkqQexyMAmZ5Ij2cV80WK+AiwXg==
-----END CERTIFICATE-----
`

test('a certificate that nobody vouches for is refused, whatever the environment says', async (t) => {
  let received = 0
  const server = createServer({ key, cert }, (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', () => {
      received++
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  server.on('tlsClientError', () => undefined)
  await once(server, 'listening')
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  const egress = createEgress({ allowInternal: new Set([origin]) })
  t.after(() => egress.close())
  const { failure } = await exchange(egress, origin, { headers: { authorization: 'Bearer token' } })
  assert.equal(failure?.kind, 'unreachable')
  assert.equal(failure.sent, false)
  assert.match(failure.detail, /SELF_SIGNED/)
  assert.equal(received, 0)
})

/**
 * Whether the broker in this container answers: exits with 0 if `/healthz` says so. It asks on loopback, under the name
 * of PUBLIC_URL, because the broker answers to no other.
 */
import http from 'node:http'
import https from 'node:https'

const { PORT = '8474', PUBLIC_URL, VALETKEY_TLS_CERT } = process.env
const tls = VALETKEY_TLS_CERT !== undefined && VALETKEY_TLS_CERT !== ''
const host =
  PUBLIC_URL === undefined || PUBLIC_URL === '' ? `localhost:${PORT}` : new URL(PUBLIC_URL).host

const options = {
  host: '127.0.0.1',
  port: PORT,
  path: '/healthz',
  headers: { host },
  timeout: 2_000,
}
const request = tls
  ? // Our own process on loopback; the certificate is one for the public name.
    https.request({ ...options, rejectUnauthorized: false })
  : http.request(options)
request.on('response', (response) => {
  response.resume()
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
request.on('timeout', () => request.destroy(new Error('it did not answer in time')))
request.on('error', () => {
  process.exitCode = 1
})
request.end()

/** What the broker is compared with: @fastify/http-proxy as its documentation sets it up, with no check at all. */
import httpProxy from '@fastify/http-proxy'
import Fastify from 'fastify'

const upstream = process.argv[2] ?? ''
const app = Fastify({ logger: false, keepAliveTimeout: 65_000 })
await app.register(httpProxy, {
  upstream,
  prefix: '/proxy/railway',
  undici: { connections: 128, pipelining: 1 },
})
const url = await app.listen({ port: 0, host: '127.0.0.1' })
process.send?.({ url })
process.on('disconnect', () => process.exit(0))

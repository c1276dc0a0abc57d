/**
 * The Host header. A broker on loopback can be reached by any page that a browser on the same machine shows, under any
 * name that resolves to 127.0.0.1 (DNS rebinding): only our own names are answered. A provider may also be reached by
 * a name of its own, `<provider>.<public host>`, for clients that insist on the root path.
 */
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { isLoopback } from '../core/loopback.ts'
import { Problem } from '../problem.ts'
import type { Deps } from './deps.ts'

type HostDeps = Pick<Deps, 'publicUrl' | 'providers'>

/** The provider whose own a host is, whatever providers there are at that moment. */
export type ProviderHosts = {
  get(host: string): string | undefined
  has(host: string): boolean
}

export function providerHosts(deps: HostDeps): ProviderHosts {
  const suffix = `.${new URL(deps.publicUrl).host}`
  const get = (host: string): string | undefined => {
    const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : ''
    return deps.providers.has(name) ? name : undefined
  }
  return { get, has: (host) => get(host) !== undefined }
}

export function createHostCheck(deps: HostDeps): onRequestHookHandler {
  const { host, hostname } = new URL(deps.publicUrl)
  const loopback = isLoopback(hostname)
  const providers = providerHosts(deps)
  return (request, _reply, done) => {
    // Node refuses a request without Host, and keeps the first of two: a second one is refused here, for all realms.
    let hosts = 0
    const raw = request.raw.rawHeaders
    for (let i = 0; i < raw.length; i += 2)
      if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === 'host') hosts++
    const given = request.headers.host ?? ''
    if (hosts !== 1) done(new Problem('invalid_request', 'there must be exactly one Host header'))
    else if (given === host || providers.has(given) || (loopback && isLoopbackHost(given, request)))
      done()
    else
      done(
        new Problem(
          'invalid_request',
          `this broker answers to ${host}, as PUBLIC_URL says, and to no other Host`,
        ),
      )
  }
}

/** A loopback address by its number, with the port that was really connected to. */
function isLoopbackHost(given: string, request: FastifyRequest): boolean {
  const port = request.socket.localPort
  return ['localhost', '127.0.0.1', '[::1]'].some((name) => given === `${name}:${String(port)}`)
}

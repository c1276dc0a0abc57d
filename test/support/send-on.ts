/** What a server between two passes on: the request as it came, without what is about the connection (RFC 9110 §7.6.1). */
import type { Recorded } from './recorded-server.ts'

export function sendOn(origin: string, request: Recorded): Promise<Response> {
  const { method, target, headers, body } = request
  const {
    host: _h,
    connection: _c,
    'content-length': _l,
    'transfer-encoding': _t,
    ...rest
  } = headers
  return fetch(`${origin}${target}`, {
    method,
    headers: rest as Record<string, string>,
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
  })
}

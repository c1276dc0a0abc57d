/** An issuer of somebody else, listening on loopback: what it publishes is fetched over HTTP, as from a declared internal one. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { makeKey, signToken, type IssuerKey } from './foreign-issuer.ts'

export type IssuerServer = {
  /** Its `iss`. */
  readonly issuer: string
  readonly key: IssuerKey
  /** What was asked for, as paths. */
  readonly asked: string[]
  /** A token of its own, good for five minutes; what is undefined is left out. */
  token(claims: Record<string, unknown>): string
}

/** `t` stops it when its test ends; `undefined` leaves that to the end of the process. */
export async function startIssuerServer(
  t: TestContext | undefined,
  alg = 'RS256',
): Promise<IssuerServer> {
  const key = makeKey(alg)
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '')
    const answers: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
      '/keys': { keys: [key.jwk] },
    }
    const answer = answers[request.url ?? '']
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t?.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  let made = 0
  return {
    issuer,
    key,
    asked,
    token(claims) {
      const iat = Math.floor(Date.now() / 1000)
      return signToken(
        key.privateKey,
        alg,
        { alg, typ: 'JWT', kid: key.jwk['kid'] },
        { iss: issuer, iat, exp: iat + 300, jti: `token ${String(++made)}`, ...claims },
      )
    },
  }
}

/**
 * An issuer whose keys were in somebody else's hands, and was therefore revoked and trusted anew with others: a token that
 * they had signed, and whose keys are still waited for, is one of the old one's.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword as password } from '../support/broker.ts'
import { jobClaims, openFederated } from '../support/federated.ts'
import { makeKey, signToken } from '../support/foreign-issuer.ts'

test('a token whose keys are waited for while its issuer is replaced is none of the new one’s', async (t) => {
  const { broker, issuer, issuerId, granted, exchange } = await openFederated(t)
  const stolen = makeKey('RS256')
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  async function answerLate(response: http.ServerResponse): Promise<void> {
    asked.resolve()
    await answered.promise
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ keys: [stolen.jwk] }))
  }
  const host = http.createServer((_, response) => void answerLate(response))
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    answered.resolve()
    host.closeAllConnections()
    host.close()
  })

  async function trust(jwksUri: string): Promise<string> {
    const terms = { issuer: issuer.issuer, internal: true, platform: 'github', jwks_uri: jwksUri }
    const { id } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
      ...terms,
      password,
    })
    await broker.api('POST', '/v1/trust-rules', {
      name: `rule of ${id}`,
      issuer: id,
      agent: granted.agentId,
      conditions: [{ claim: 'repository_id', equals: '123' }],
      password,
    })
    return id
  }
  const revoke = (id: string) => broker.api('POST', `/v1/trust-issuers/${id}/revoke`, {})

  await revoke(issuerId)
  const old = await trust(`http://127.0.0.1:${String((host.address() as AddressInfo).port)}/keys`)
  const now = Math.floor(Date.now() / 1000)
  const waiting = exchange(
    signToken(
      stolen.privateKey,
      'RS256',
      { alg: 'RS256', typ: 'JWT', kid: stolen.jwk['kid'] },
      { ...jobClaims, iss: issuer.issuer, iat: now, exp: now + 300, jti: 'stolen' },
    ),
  )
  await asked.promise
  await revoke(old)
  await trust(`${issuer.issuer}/keys`)
  answered.resolve()

  const { status, body } = await waiting
  assert.equal(status, 400, JSON.stringify(body))
  assert.match(String(body['error_description']), /the subject token is not accepted/)
  assert.equal((await exchange({})).status, 200, 'the new one’s own are accepted')
})

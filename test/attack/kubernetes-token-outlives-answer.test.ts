/**
 * A cluster, or a webhook of it, says of a token that it ends sooner than it does. What the server goes by is in the token:
 * a lease of it is over when that is, and not when the answer said.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { startKubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { askLease } from '../support/lease.ts'
import { startRecordedServer } from '../support/recorded-server.ts'
import { grantOn } from '../support/world.ts'

const minter = 'token-of-the-account-that-makes-tokens'

test('a lease works until what its token says', async (t) => {
  const cluster = await startKubernetesStandIn(minter, { 'staging/viewer': 'view' })
  t.after(() => cluster.close())
  const webhook = await startRecordedServer(async ({ method, target, headers, body }) => {
    const { host: _, connection: _c, 'content-length': _l, ...rest } = headers
    const answer = await fetch(`${cluster.origin}${target}`, {
      method,
      headers: rest as Record<string, string>,
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    })
    const json = (await answer.json()) as { status?: { expirationTimestamp?: string } }
    if (json.status?.expirationTimestamp !== undefined)
      json.status.expirationTimestamp = new Date(Date.now() + 90_000).toISOString()
    return { status: answer.status, headers: {}, json }
  })
  t.after(() => webhook.close())
  const broker = await openTestBroker(t, { upstreams: { kubernetes: webhook.origin } })
  const granted = await grantOn(broker, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret: minter,
    mint: {
      kind: 'kubernetes',
      namespace: 'staging',
      service_account: 'deployer',
      read_service_account: 'viewer',
    },
    grant: {
      verbs: ['read+secret'],
      approval: 'never',
      hand_out: true,
      max_lifetime_seconds: 900,
    },
  })
  const { status, json, text } = await askLease(broker.url, await granted.token())
  assert.equal(status, 201, text)
  const [, payload = ''] = String(json['token']).split('.')
  const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number }
  assert.ok(exp > Date.now() / 1000 + 600)
  assert.equal(Date.parse(String(json['works_until'])), exp * 1000)
})

/**
 * A cluster, or a webhook of it, says of a token that it ends sooner than it does. What the server goes by is in the token:
 * a lease of it is over when that is, and not when the answer said.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { startKubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { askLease } from '../support/lease.ts'
import { clusterMinting } from '../support/minting-grant.ts'
import { startRecordedServer } from '../support/recorded-server.ts'
import { sendOn } from '../support/send-on.ts'

const minter = 'token-of-the-account-that-makes-tokens'

test('a lease works until what its token says', async (t) => {
  const cluster = await startKubernetesStandIn(minter, { 'staging/viewer': 'view' })
  t.after(() => cluster.close())
  const webhook = await startRecordedServer(async (request) => {
    const answer = await sendOn(cluster.origin, request)
    const json = (await answer.json()) as { status?: { expirationTimestamp?: string } }
    if (json.status?.expirationTimestamp !== undefined)
      json.status.expirationTimestamp = new Date(Date.now() + 90_000).toISOString()
    return { status: answer.status, headers: {}, json }
  })
  t.after(() => webhook.close())
  const broker = await openTestBroker(t, { upstreams: { kubernetes: webhook.origin } })
  const granted = await clusterMinting(broker, minter, {
    verbs: ['read+secret'],
    hand_out: true,
    max_lifetime_seconds: 900,
  })
  const { status, json, text } = await askLease(broker.url, await granted.token())
  assert.equal(status, 201, text)
  const [, payload = ''] = String(json['token']).split('.')
  const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number }
  assert.ok(exp > Date.now() / 1000 + 600)
  assert.equal(Date.parse(String(json['works_until'])), exp * 1000)
})

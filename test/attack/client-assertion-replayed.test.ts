/** A client assertion that was overheard and is shown again: at the same replica, at another, at another endpoint. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createReplayStore } from '../../src/capability/replay.ts'
import { openDatabase } from '../../src/db/open.ts'
import { createClientReader, OAuthError } from '../../src/http/agent/client.ts'
import {
  assertionOf,
  assertionType,
  newTestKey,
  publicUrl,
  withAssertion,
} from '../support/client-assertion.ts'
import { entries, openStage } from '../support/stage.ts'

test('an assertion that was shown once', async (t) => {
  const { broker, granted } = await openStage(t)
  const other = await broker.replica()
  const key = newTestKey('ES256')
  const { id: keyId } = await broker.api<{ id: string }>(
    'POST',
    `/v1/agents/${granted.agentId}/public-keys`,
    { jwk: key.publicJwk },
    201,
  )
  const fresh = (): string => assertionOf(key, granted.agentId)

  await t.test('is good at one of two replicas, for one of many who show it at once', async () => {
    const assertion = fresh()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        withAssertion(i % 2 === 0 ? broker.url : other.url, assertion),
      ),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const { status, body } of answers.filter((answer) => answer.status !== 200))
      assert.deepEqual([status, body['error']], [401, 'invalid_client'])
  })

  await t.test('is not good at another endpoint either, nor after a failed request', async () => {
    const used = fresh()
    const asked = await withAssertion(broker.url, used, { grant_type: 'password' })
    assert.equal(asked.body['error'], 'unsupported_grant_type')
    for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke'])
      for (const url of [broker.url, other.url]) {
        const fields = { grant_type: 'client_credentials', token: 'x' }
        const again = await withAssertion(url, used, fields, {}, path)
        assert.deepEqual([again.status, again.body['error']], [401, 'invalid_client'], path)
      }
  })

  await t.test('is not good with the other half of an ECDSA signature (r, −s)', async () => {
    const assertion = fresh()
    assert.equal((await withAssertion(broker.url, assertion)).status, 200)
    const [header = '', claims = '', signature = ''] = assertion.split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const twin = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'),
    ])
    const again = await withAssertion(
      broker.url,
      `${header}.${claims}.${twin.toString('base64url')}`,
    )
    assert.equal(again.status, 401)
    assert.match(String(again.body['error_description']), /used before/)
  })

  await t.test('is on record with the agent and its key, and however often, once', async () => {
    const assertion = fresh()
    assert.equal((await withAssertion(broker.url, assertion)).status, 200)
    const refusals = async (): Promise<number> => {
      const all = await entries(broker)
      return all.filter(
        (entry) =>
          entry.kind === 'issuance' &&
          entry['result'] === 'refused' &&
          entry['reason'] === 'invalid_client' &&
          JSON.stringify(entry['actor']).includes(granted.agentId) &&
          JSON.stringify(entry['actor']).includes(keyId),
      ).length
    }
    const before = await refusals()
    await withAssertion(other.url, assertion)
    assert.equal(await refusals(), before + 1)
    for (const url of [broker.url, other.url, broker.url]) await withAssertion(url, assertion)
    assert.equal(await refusals(), before + 1)
  })

  await t.test('is refused where nobody can say whether it was', async () => {
    const gone = openDatabase(broker.connection)
    const replay = createReplayStore(gone)
    assert.equal(await replay.use('client_assertion', 'a', 'b', Date.now() + 60_000), true)
    await gone.destroy()
    const { db } = broker.broker
    const clients = createClientReader({ db, publicUrl, replay, now: Date.now })
    const form = { client_assertion_type: assertionType, client_assertion: fresh() }
    await assert.rejects(
      clients.authenticate(undefined, form),
      (error) => error instanceof OAuthError && error.code === 'temporarily_unavailable',
    )
  })
})

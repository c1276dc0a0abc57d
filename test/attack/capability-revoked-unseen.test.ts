/**
 * A copy of a workload's capability that was revoked because it had leaked: who has it tries it where no key is asked for,
 * as what is exchanged and as who acts, and is to be found in the log by the name of whose it was, like at the proxy.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { claimsOf, exchangeFor } from '../support/delegation.ts'
import { openFederated } from '../support/federated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { entries, secret } from '../support/stage.ts'
import { grantOn } from '../support/world.ts'

const type = 'urn:ietf:params:oauth:token-type:'

test('a revoked capability of a workload’s, shown without a key', async (t) => {
  const { broker, granted, rule, exchange } = await openFederated(t)
  const { url } = broker
  const acting = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })
  await rule({ agent: acting.agentId })
  const capability = async (): Promise<string> => String((await exchange({})).body['access_token'])
  const leaked = await capability()
  const jti = String(claimsOf(leaked)['jti'])
  await broker.api('POST', `/v1/capabilities/${jti}/revoke`, {})
  const parent = await granted.token({ may_act: [acting.agentId] })
  const form = { actor_token: leaked, actor_token_type: `${type}access_token` }

  const refusals = async () =>
    (await entries(broker)).filter(
      (entry) => entry.kind === 'issuance' && entry['result'] === 'refused',
    )
  for (const [what, show] of [
    ['to be exchanged', () => exchangeFor(url, undefined, leaked)],
    ['as actor token', () => exchangeFor(url, undefined, parent, { form })],
  ] as const) {
    await t.test(`${what}, is refused on record`, async () => {
      const before = (await refusals()).length
      const { status, body } = await show()
      assert.equal(status, 400)
      assert.match(String(body['error_description']), /was revoked/)
      const made = (await refusals()).slice(before)
      assert.equal(made.length, 1)
      assert.partialDeepStrictEqual(made[0], {
        actor: { kind: 'workload', id: acting.agentId },
        reason: 'invalid_request',
      })
    })

    await t.test(`${what}, however often, neither fills the log nor bars the others`, async () => {
      const good = await capability()
      const before = (await refusals()).length
      for (let i = 0; i < 70; i++) assert.equal((await show()).status, 400)
      assert.ok((await refusals()).length - before < 65)
      assert.equal((await exchangeFor(url, undefined, good)).status, 200)
      const act = { actor_token: good, actor_token_type: `${type}access_token` }
      assert.equal((await exchangeFor(url, undefined, parent, { form: act })).status, 200)
    })
  }
})

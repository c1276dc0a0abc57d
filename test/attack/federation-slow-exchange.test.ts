/** Whoever makes an exchange take long, by a busy database or a slow issuer, so that what comes of it ends after what was shown. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { claimsOf, exchangeFor } from '../support/delegation.ts'
import { jobClaims, openFederated } from '../support/federated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { secret } from '../support/stage.ts'
import { grantOn } from '../support/world.ts'

const type = 'urn:ietf:params:oauth:token-type:'

test('what comes of a token, while seconds pass, ends no later than the token', async (t) => {
  // Each look at the clock is some seconds after the last: wherever the broker waits, it may wait that long.
  let step = 0
  let late = 0
  const now = (): number => Date.now() + (late += step)
  const { broker, granted, rule, issuer, exchange } = await openFederated(t, { now })
  const acting = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })
  await rule({ agent: acting.agentId, exchanges_per_token: 5 })
  const expiry = Math.floor(Date.now() / 1000) + 200
  const job = () => issuer.token({ ...jobClaims, exp: expiry })

  async function slowly<T>(work: () => Promise<T>): Promise<T> {
    step = 2_000
    try {
      return await work()
    } finally {
      step = 0
      late = 0
    }
  }
  type Answer = { readonly status: number; readonly body: Record<string, unknown> }
  const endOf = ({ status, body }: Answer): number => {
    assert.equal(status, 200, JSON.stringify(body))
    return Number(claimsOf(String(body['access_token']))['exp'])
  }

  await t.test('as a subject token', async () => {
    assert.ok(endOf(await slowly(() => exchange(job()))) <= expiry)
  })

  for (const [what, kind, token] of [
    ['of its platform', 'jwt', () => Promise.resolve(job())],
    [
      'of its own',
      'access_token',
      async () => String((await exchange(job())).body['access_token']),
    ],
  ] as const) {
    await t.test(`as an actor token ${what}`, async () => {
      const parent = await granted.token({ may_act: [acting.agentId], lifetime: 300 })
      const actor = await token()
      const form = { actor_token: actor, actor_token_type: `${type}${kind}` }
      const answer = await slowly(() => exchangeFor(broker.url, undefined, parent, { form }))
      assert.ok(endOf(answer) <= Number(claimsOf(actor)['exp']))
    })
  }
})

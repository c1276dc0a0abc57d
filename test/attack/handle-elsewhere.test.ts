/** The handle of one provider, shown at the door of another, whose tokens it may well look like. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { asHandle } from '../support/handle.ts'
import { startStripeStandIn } from '../support/stripe-stand-in.ts'
import {
  startSupabaseStandIn,
  staging,
  token as supabaseToken,
} from '../support/supabase-stand-in.ts'
import { openTestBroker } from '../support/broker.ts'
import { answerOf, grantOn } from '../support/world.ts'

test('a handle is good at its own provider’s door alone', async (t) => {
  const stripe = await startStripeStandIn()
  const supabase = await startSupabaseStandIn()
  t.after(() => Promise.all([stripe.close(), supabase.close()]))
  const broker = await openTestBroker(t, {
    upstreams: { stripe: stripe.origin, supabase: supabase.origin },
  })
  const forStripe = await grantOn(broker, {
    provider: 'stripe',
    bindings: [{ provider: 'stripe', kind: 'mode', id: 'test' }],
    secret: stripe.keys.test,
    grant: { verbs: ['read'], approval: 'never' },
  })
  const forSupabase = await grantOn(broker, {
    provider: 'supabase',
    bindings: [{ provider: 'supabase', kind: 'project', id: staging }],
    secret: supabaseToken,
    grant: { verbs: ['read'], approval: 'never' },
  })
  const [stripeHandle, supabaseHandle] = [
    await forStripe.token(asHandle),
    await forSupabase.token(asHandle),
  ]
  assert.match(stripeHandle, /^rk_test_[A-Za-z0-9]{40}$/)
  assert.match(supabaseHandle, /^sbp_[a-f0-9]{40}$/)
  const at = async (path: string, token: string) =>
    answerOf(
      await fetch(`${broker.url}/proxy${path}`, { headers: { authorization: `Bearer ${token}` } }),
    )
  const customers = '/stripe/v1/customers'
  const branches = `/supabase/v1/projects/${staging}/branches`
  assert.equal((await at(customers, stripeHandle)).status, 200)
  const listed = await at(branches, supabaseHandle)
  assert.equal(listed.status, 200, listed.text)
  const sent = [stripe.requests.length, supabase.requests.length]
  for (const [path, token] of [
    [customers, supabaseHandle],
    [branches, stripeHandle],
  ] as const) {
    const { json, text } = await at(path, token)
    assert.equal(json['code'], 'capability_invalid', text)
    assert.match(text, /is not one for this provider/)
  }
  assert.deepEqual([stripe.requests.length, supabase.requests.length], sent)
})

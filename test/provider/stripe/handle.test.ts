/** Stripe's official client with a handle for a key, unmodified but for host, port, protocol and key. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import Stripe from 'stripe'
import { openTestBroker } from '../../support/broker.ts'
import { asHandle } from '../../support/handle.ts'
import { startStripeStandIn } from '../../support/stripe-stand-in.ts'
import { grantOn } from '../../support/world.ts'

test('Stripe’s client works with a handle as its key, within the grant and no further', async (t) => {
  const upstream = await startStripeStandIn()
  const broker = await openTestBroker(t, {
    upstreams: { stripe: upstream.origin },
    publicUrl: 'http://localhost:8474',
  })
  // The client insists on paths from the root, so it takes the provider's own host name.
  const httpAgent = new Agent()
  httpAgent.createConnection = () => connect(Number(new URL(broker.url).port), '127.0.0.1')
  t.after(async () => {
    httpAgent.destroy()
    await upstream.close()
  })
  const granted = await grantOn(broker, {
    provider: 'stripe',
    bindings: [{ provider: 'stripe', kind: 'mode', id: 'test' }],
    secret: upstream.keys.test,
    grant: { verbs: ['read', 'Customers.create'], approval: 'never' },
  })
  const key = await granted.token(asHandle)
  assert.match(key, /^rk_test_[A-Za-z0-9]{40}$/)
  const stripe = new Stripe(key, {
    host: 'stripe.localhost',
    port: 8474,
    protocol: 'http',
    httpAgent,
    maxNetworkRetries: 0,
  })
  const list = await stripe.customers.list({ limit: 2 })
  assert.deepEqual(
    list.data.map(({ id }) => id),
    ['cus_1'],
  )
  const made = await stripe.customers.create({ email: 'zoe@example.com' })
  assert.equal(made.email, 'zoe@example.com')
  const sent = upstream.requests.length
  await assert.rejects(
    stripe.refunds.create({ payment_intent: 'pi_1' }),
    (error) => error instanceof Stripe.errors.StripeError && /does not cover/.test(error.message),
  )
  assert.equal(upstream.requests.length, sent)
  assert.ok(!JSON.stringify(upstream.requests).includes(key))
})

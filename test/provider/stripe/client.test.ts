/** Stripe's official client, unmodified but for host, port, protocol and key, through a whole broker. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import Stripe from 'stripe'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import type { StandInRequest } from '../../support/json-stand-in.ts'
import { startStripeStandIn, type StripeStandIn } from '../../support/stripe-stand-in.ts'
import { grantOn } from '../../support/world.ts'

let broker: TestBroker
let upstream: StripeStandIn
// The client insists on paths from the root, so it takes the provider's own host name. What would resolve that name, and
// whatever maps its port, is here.
const httpAgent = new Agent()
httpAgent.createConnection = () => connect(Number(new URL(broker.url).port), '127.0.0.1')

before(async () => {
  upstream = await startStripeStandIn()
  broker = await openTestBroker(undefined, {
    upstreams: { stripe: upstream.origin },
    publicUrl: 'http://localhost:8474',
  })
})

after(async () => {
  httpAgent.destroy()
  await broker.close()
  await upstream.close()
})

async function clientOf(
  verbs: readonly string[],
  key: 'test' | 'live' = 'test',
): Promise<{ readonly stripe: Stripe; readonly left: () => readonly StandInRequest[] }> {
  const granted = await grantOn(broker, {
    provider: 'stripe',
    bindings: [{ provider: 'stripe', kind: 'mode', id: 'test' }],
    secret: upstream.keys[key],
    grant: { verbs, approval: 'never' },
  })
  const stripe = new Stripe(await granted.token(), {
    host: 'stripe.localhost',
    port: 8474,
    protocol: 'http',
    httpAgent,
    maxNetworkRetries: 0,
  })
  const before = upstream.requests.length
  return { stripe, left: () => upstream.requests.slice(before) }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'allowed'
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error
    return JSON.stringify(error.raw)
  }
}

test('what is granted works, with nested forms, and the agent’s token never leaves', async () => {
  const { stripe, left } = await clientOf(['read', 'Customers.create', 'PaymentIntents.create'])
  const list = await stripe.customers.list({ limit: 2, created: { gte: 7 }, expand: ['data.tax'] })
  assert.deepEqual(
    list.data.map(({ id }) => id),
    ['cus_1'],
  )
  const made = await stripe.customers.create(
    { email: 'zoë+1@example.com', metadata: { 'order id': 'a&b=c' }, preferred_locales: ['de'] },
    { idempotencyKey: 'order-7' },
  )
  assert.equal(made.email, 'zoë+1@example.com')
  const [read, write] = left()
  assert.equal(read?.method, 'GET')
  assert.deepEqual(
    [...new URL(read?.target ?? '', upstream.origin).searchParams],
    [
      ['limit', '2'],
      ['created[gte]', '7'],
      ['expand[0]', 'data.tax'],
    ],
  )
  assert.deepEqual(
    [...new URLSearchParams(write?.body)],
    [
      ['email', 'zoë+1@example.com'],
      ['metadata[order id]', 'a&b=c'],
      ['preferred_locales[0]', 'de'],
    ],
  )
  assert.equal(write?.headers['idempotency-key'], 'order-7')
  assert.match(String(write?.headers['stripe-version']), /^20/)
  assert.equal(write?.headers.authorization, `Bearer ${upstream.keys.test}`)
  assert.equal(write?.headers['x-stripe-client-user-agent'], undefined)
})

test('what is not granted is refused in a form that the client can read, and does not leave', async () => {
  const { stripe, left } = await clientOf(['read', 'write'])
  const refund = await codeOf(stripe.refunds.create({ payment_intent: 'pi_1' }))
  assert.match(refund, /verb_missing/)
  assert.match(refund, /Refunds\.create/)
  const other = { amount: 7, currency: 'eur', transfer_data: { destination: 'acct_other' } }
  assert.match(await codeOf(stripe.paymentIntents.create(other)), /PaymentIntents\.create\+admin/)
  const account = stripe.customers.list({}, { stripeAccount: 'acct_other' })
  assert.match(await codeOf(account), /stripe-account/)
  assert.match(await codeOf(stripe.accounts.retrieve('acct_1').then(() => 0)), /No such route/)
  assert.equal(left().length, 1, 'the one read is all that left')
})

test('the secret that pays comes back redacted, and whole to who asks for it and may have it', async () => {
  const { stripe, left } = await clientOf(['write', 'PaymentIntents.create+secret'])
  const wish = { amount: 700, currency: 'eur' }
  const intent = await stripe.paymentIntents.create(wish)
  assert.equal(intent.amount, 700)
  assert.equal(intent.client_secret, '[redacted]')
  assert.ok(!JSON.stringify(intent).includes('pi_1_secret'), 'nor further in')
  const shown = (await stripe.rawRequest('POST', '/v1/payment_intents', wish, {
    additionalHeaders: { 'valetkey-reveal': 'secret' },
  })) as unknown as Stripe.PaymentIntent
  assert.equal(shown.client_secret, 'pi_1_secret_abc')
  assert.equal(left()[1]?.headers['valetkey-reveal'], undefined)
  const other = stripe.rawRequest(
    'POST',
    '/v1/customers',
    {},
    {
      additionalHeaders: { 'valetkey-reveal': 'secret' },
    },
  )
  assert.match(await codeOf(other), /Customers\.create\+secret/)
})

test('the second version of the API takes JSON', async () => {
  const { stripe, left } = await clientOf(['V2.Billing.MeterEvents.create'])
  await stripe.v2.billing.meterEvents.create({
    event_name: 'calls',
    payload: { stripe_customer_id: 'cus_1', value: '25' },
  })
  assert.deepEqual(JSON.parse(left()[0]?.body ?? ''), {
    event_name: 'calls',
    payload: { stripe_customer_id: 'cus_1', value: '25' },
  })
})

test('a live key is not the test environment, whatever it was stored as', async () => {
  const { stripe, left } = await clientOf(['read'], 'live')
  assert.match(await codeOf(stripe.customers.list()), /environment_outside/)
  assert.equal(left().length, 0)
})

/**
 * A platform's key can act for every account that is connected to it, and Stripe's own scripts send keys and accounts as
 * fields: an agent with a grant on one key speaks for another account, or sends the money there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripeAdapter } from '../../src/provider/stripe/adapter.ts'
import { identifyLine, invocationOf, verbOf } from '../support/rest-request.ts'

const adapter = stripeAdapter()

test('no header names another account', () => {
  for (const name of ['stripe-account', 'stripe-context', 'stripe-livemode']) {
    const verb = verbOf(adapter, { line: 'GET /v1/customers', headers: { [name]: 'acct_2' } })
    assert.match(verb, /^refused: .*would change who acts/, name)
  }
})

test('no field of the query or the form names another key, account or method', () => {
  const fields = [
    'key=sk_live_1',
    'Key=sk_live_1',
    'k%65y=sk_live_1',
    '_stripe_account=acct_2',
    '_stripe_version=2010-01-01',
    '_method=delete',
    'stripe_account=acct_2',
    'client_secret=x',
    '+_stripe_account=acct_2',
    '[key]=x',
    'key[]=x',
    '_stripe_account[0]=x',
  ]
  for (const field of fields) {
    assert.match(verbOf(adapter, { line: `GET /v1/customers?${field}` }), /^refused/, field)
    assert.match(verbOf(adapter, { line: 'POST /v1/customers', form: field }), /^refused/, field)
  }
  const json = { line: 'POST /v2/billing/meter_events', json: { _stripe_account: 'acct_2' } }
  assert.match(verbOf(adapter, json), /^refused/)
})

test('money that goes elsewhere, or is taken in another’s name, needs more than the operation', () => {
  const line = 'POST /v1/checkout/sessions'
  const plain = 'Checkout.Sessions.create'
  assert.equal(verbOf(adapter, { line, form: 'mode=payment&metadata[destination]=Rome' }), plain)
  for (const form of [
    'on_behalf_of=acct_2',
    'payment_intent_data[transfer_data][destination]=acct_2',
    'payment_intent_data[on_behalf_of]=acct_2',
    'subscription_data[transfer_data][destination]=acct_2',
    'invoice_creation[invoice_data][issuer][account]=acct_2',
    'automatic_tax[liability][account]=acct_2',
    'payment%5Fintent_data%5Btransfer_data%5D[destination]=acct_2',
  ]) {
    assert.equal(verbOf(adapter, { line, form }), `${plain}+admin`, form)
  }
  const schedule = { line: 'POST /v1/subscription_schedules' }
  for (const form of [
    'phases[0][transfer_data][destination]=acct_2',
    'phases[0][invoice_settings][issuer][account]=acct_2',
  ])
    assert.equal(verbOf(adapter, { ...schedule, form }), 'SubscriptionSchedules.create+admin')
  assert.equal(
    verbOf(adapter, { line: 'POST /v1/payouts', form: 'amount=1&destination=ba_2' }),
    'Payouts.create+admin',
  )
})

test('a value of the query does not stand in for one of the path or the body', () => {
  for (const query of ['id=cus_2', 'body[x]=1', 'body=1'])
    assert.match(verbOf(adapter, { line: `GET /v1/customers/cus_1?${query}` }), /^refused/, query)
})

test('what leaves is the form that was read, in one spelling', () => {
  const identified = identifyLine(adapter, {
    line: 'POST /v1/customers/cus_1',
    form: 'description=a;on_behalf_of=acct_2&metadata[a%26on_behalf_of]=%00'.replace('%00', 'x'),
  })
  assert.ok(identified.ok)
  const fields = [...new URLSearchParams(identified.request.body?.toString())]
  assert.deepEqual(fields, [
    ['description', 'a;on_behalf_of=acct_2'],
    ['metadata[a&on_behalf_of]', 'x'],
  ])
  assert.doesNotMatch(identified.request.body?.toString() ?? '', /;/)
})

test('a test key for look-ups does not make a live key a test one', async () => {
  const asked: (string | undefined)[] = []
  const identified = identifyLine(adapter, { line: 'GET /v1/customers' })
  const located = await adapter.locate(invocationOf(identified), {
    ask: async (_question, by) => {
      asked.push(by)
      return { status: 200, json: { livemode: by === 'acting' } }
    },
    fresh: false,
    cacheKey: 'lookups:1',
    actingKey: 'acting:1',
    bound: new Set(['mode:test']),
  })
  assert.deepEqual(located, { places: ['mode:live'], unresolved: [] })
  assert.deepEqual(asked, ['acting'])
})

test('where Stripe does not say which mode a key is of, nothing is established', async () => {
  const invocation = invocationOf(identifyLine(adapter, { line: 'GET /v1/customers' }))
  const answers = [
    { status: 403, json: { livemode: false } },
    { status: 200, json: {} },
    { status: 200, json: { livemode: 'no' } },
    { status: 200, json: { livemode: { toString: 'false' } } },
    { status: 200, json: undefined },
  ]
  for (const answer of answers) {
    const located = await adapter.locate(invocation, {
      ask: async () => answer,
      fresh: true,
      cacheKey: 'a:1',
      actingKey: 'a:1',
      bound: new Set(['mode:test']),
    })
    assert.deepEqual(located.places, [])
    assert.equal(located.unresolved.length, 1)
  }
})

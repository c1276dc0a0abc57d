import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripeAdapter } from '../../../src/provider/stripe/adapter.ts'
import { telling, toldAt, toldClocks } from '../../support/telling.ts'

const adapter = stripeAdapter(toldClocks)

test('of a customer, who it is and which subscriptions end with it', async () => {
  const subscription = (id: string, customer = 'cus_1') => ({ id, customer, status: 'active' })
  const { facts } = await telling(adapter, 'DELETE /v1/customers/cus_1', {
    '/v1/customers/cus_1': {
      id: 'cus_1',
      object: 'customer',
      name: 'Acme',
      description: 'since 2019',
      balance: -500,
      currency: 'eur',
      delinquent: false,
      livemode: true,
      created: (toldAt - 3_600_000) / 1000,
      invoice_settings: { default_payment_method: 'pm_1' },
    },
    '/v1/subscriptions?customer=cus_1&limit=100': {
      has_more: false,
      data: [subscription('sub_1'), subscription('sub_2', 'cus_2')],
    },
  })
  assert.deepEqual(Object.fromEntries(facts), {
    'Customer "Acme"':
      'description "since 2019"; balance in the smallest unit -500; currency "eur"; delinquent false; live true; created 2026-06-01 11:00 UTC (60 min old)',
    'Subscriptions that are cancelled with it': '1: "sub_1" status "active"',
  })
})

test('of a subscription, its customer and its prices', async () => {
  const { facts } = await telling(adapter, 'DELETE /v1/subscriptions/sub_1', {
    '/v1/subscriptions/sub_1': {
      id: 'sub_1',
      status: 'active',
      customer: 'cus_1',
      items: { data: [{ price: { id: 'price_1' } }] },
      livemode: false,
      created: toldAt / 1000,
    },
  })
  assert.match(
    facts.get('Subscription') ?? '',
    /^status "active"; customer "cus_1"; prices "price_1"; live false; /,
  )
})

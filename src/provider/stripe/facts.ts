/** What a person is told before something of Stripe's is deleted: what it is called and what hangs on it; no secrets. */
import type { FactRules, Field, ObjectRule } from '../facts/rule.ts'

const created: Field = { label: 'created', at: 'created', as: 'seconds' }
const live: Field = { label: 'live', at: 'livemode' }

function object(
  of: readonly string[],
  what: string,
  operation: string,
  fields: readonly Field[],
  name?: string,
): ObjectRule {
  return {
    is: 'object',
    of,
    what,
    ask: { operation, same: { at: 'id', is: '{id}' } },
    ...(name === undefined ? {} : { name }),
    fields: [...fields, live, created],
  }
}

export const facts: FactRules = {
  rules: [
    object(
      ['Customers.del'],
      'Customer',
      'Customers.retrieve',
      [
        { label: 'description', at: 'description' },
        { label: 'balance in the smallest unit', at: 'balance' },
        { label: 'currency', at: 'currency' },
        { label: 'delinquent', at: 'delinquent' },
      ],
      'name',
    ),
    {
      is: 'list',
      of: ['Customers.del'],
      what: 'Subscriptions that are cancelled with it',
      ask: { operation: 'Subscriptions.list', arguments: { customer: '{id}', limit: '100' } },
      items: 'data',
      only: [{ at: 'customer', is: '{id}' }],
      name: 'id',
      fields: [{ label: 'status', at: 'status' }],
      more: 'has_more',
    },
    object(['Subscriptions.cancel'], 'Subscription', 'Subscriptions.retrieve', [
      { label: 'status', at: 'status' },
      { label: 'customer', at: 'customer' },
      { label: 'prices', at: 'items.data.*.price.id' },
    ]),
    object(
      ['Products.del'],
      'Product',
      'Products.retrieve',
      [{ label: 'active', at: 'active' }],
      'name',
    ),
    object(
      ['Coupons.del'],
      'Coupon',
      'Coupons.retrieve',
      [{ label: 'times redeemed', at: 'times_redeemed' }],
      'name',
    ),
    object(['Plans.del'], 'Plan', 'Plans.retrieve', [
      { label: 'product', at: 'product' },
      { label: 'amount in the smallest unit', at: 'amount' },
      { label: 'currency', at: 'currency' },
    ]),
    object(['Invoices.del'], 'Invoice', 'Invoices.retrieve', [
      { label: 'status', at: 'status' },
      { label: 'customer', at: 'customer' },
      { label: 'total in the smallest unit', at: 'total' },
      { label: 'currency', at: 'currency' },
    ]),
  ],
}

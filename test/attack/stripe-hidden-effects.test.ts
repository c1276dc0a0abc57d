/**
 * Fields that make of a harmless operation another one: a whole card number by expansion, a cancellation by an update, a
 * refund by a credit note.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripeAdapter } from '../../src/provider/stripe/adapter.ts'
import { verbOf } from '../support/rest-request.ts'

const adapter = stripeAdapter()

test('a card’s number, its code and a signing secret are not shown by expansion', () => {
  for (const query of [
    'expand[]=number',
    'expand[0]=cvc',
    'expand[]=cardholder&expand[]=cvc',
    'expand=number',
    'expand%5B%5D=number',
    'expand[x]=number',
  ])
    assert.equal(
      verbOf(adapter, { line: `GET /v1/issuing/cards/ic_1?${query}` }),
      'Issuing.Cards.retrieve+secret',
      query,
    )
  assert.equal(
    verbOf(adapter, { line: 'GET /v1/balance_transactions?expand[]=data.source.card.number' }),
    'BalanceTransactions.list+secret',
  )
  assert.equal(
    verbOf(adapter, { line: 'POST /v1/issuing/cards/ic_1', form: 'expand[]=number' }),
    'Issuing.Cards.update+secret',
  )
  assert.equal(
    verbOf(adapter, {
      line: 'GET /v2/core/event_destinations/ed_1?include[0]=webhook_endpoint.signing_secret',
    }),
    'V2.Core.EventDestinations.retrieve+secret',
  )
  assert.equal(
    verbOf(adapter, { line: 'GET /v1/charges/ch_1?expand[]=customer' }),
    'Charges.retrieve',
  )
})

test('an update that ends something, or pays out, is more than an update', () => {
  const cases: readonly [line: string, form: string, verb: string][] = [
    ['POST /v1/subscriptions/s', 'description=x', 'Subscriptions.update'],
    ['POST /v1/subscriptions/s', 'cancel_at_period_end=false', 'Subscriptions.update'],
    ['POST /v1/subscriptions/s', 'cancel_at_period_end=true', 'Subscriptions.update+destructive'],
    ['POST /v1/subscriptions/s', 'cancel_at_period_end=1', 'Subscriptions.update+destructive'],
    ['POST /v1/subscriptions/s', 'cancel_at=1900000000', 'Subscriptions.update+destructive'],
    ['POST /v1/subscriptions/s', 'items[0][deleted]=true', 'Subscriptions.update+destructive'],
    ['POST /v1/credit_notes', 'invoice=in_1', 'CreditNotes.create'],
    ['POST /v1/credit_notes', 'invoice=in_1&refund_amount=5', 'CreditNotes.create+destructive'],
    ['POST /v1/issuing/cards/ic', 'status=canceled', 'Issuing.Cards.update+destructive'],
    ['POST /v1/issuing/cards/ic', 'status=inactive', 'Issuing.Cards.update'],
    [
      'POST /v1/issuing/cards/ic',
      'spending_controls[spending_limits][0][amount]=9',
      'Issuing.Cards.update+admin',
    ],
    ['POST /v1/disputes/d', 'submit=true', 'Disputes.update+destructive'],
  ]
  for (const [line, form, verb] of cases) assert.equal(verbOf(adapter, { line, form }), verb, form)
})

test('a secret that stands anywhere in an answer is taken out, unless it was asked for and granted', () => {
  const wish = { line: 'POST /v1/payment_intents', form: 'amount=1' }
  assert.equal(verbOf(adapter, wish), 'PaymentIntents.create')
  assert.equal(
    verbOf(adapter, { ...wish, headers: { 'valetkey-reveal': 'secret' } }),
    'PaymentIntents.create+secret',
  )
  assert.match(
    verbOf(adapter, { ...wish, headers: { 'valetkey-reveal': 'everything' } }),
    /^refused/,
  )
})

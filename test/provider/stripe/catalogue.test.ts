import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { stripeAdapter } from '../../../src/provider/stripe/adapter.ts'
import { describe } from '../../../src/provider/stripe/compile.ts'
import { review } from '../../../src/provider/stripe/review.ts'
import { compileCatalogue, explain, serialise } from '../../../src/provider/compile/compile.ts'

const adapter = stripeAdapter()
const list = new URL('../../../../shared/specs/operations/stripe.json', import.meta.url)
const skip = existsSync(list) ? false : 'the list of operations is not here'

test('the catalogue is what the list and the review compile to', { skip }, () => {
  const rows = JSON.parse(readFileSync(list, 'utf8')) as unknown[]
  const committed = readFileSync(
    new URL('../../../src/provider/stripe/catalogue.json', import.meta.url),
    'utf8',
  )
  assert.equal([...adapter.operations()].length, rows.length)
  assert.ok(committed === serialise(compileCatalogue(describe(rows), review)), 'compile it anew')
  const unreviewed = explain(describe(rows), review).filter((one) => one.unreviewed !== undefined)
  assert.deepEqual(
    unreviewed.map((one) => one.operation.name),
    [],
  )
})

test('every operation is there, and what is refused to everyone is five', () => {
  const operations = [...adapter.operations()]
  assert.equal(operations.length, 650)
  assert.deepEqual(
    operations.filter(({ denied }) => denied === true).map(({ name }) => name),
    [
      'Files.create',
      'OAuth.deauthorize',
      'OAuth.token',
      'Quotes.pdf',
      'V2.Billing.MeterEventStream.create',
    ],
  )
  for (const { scope } of operations) assert.equal(scope, 'environment')
})

const expected: Readonly<Record<string, string>> = {
  'Balance.retrieve': 'read',
  'Customers.search': 'read',
  'Invoices.createPreview': 'read',
  'Customers.create': 'write',
  'PaymentIntents.create': 'write',
  'PaymentIntents.confirm': 'write',
  'Checkout.Sessions.create': 'write',
  'TaxRates.update': 'write',
  'Customers.del': 'write destructive',
  'Subscriptions.cancel': 'write destructive',
  'Refunds.create': 'write destructive',
  'Payouts.create': 'write destructive',
  'Topups.create': 'write destructive',
  'Issuing.Cards.create': 'write destructive',
  'Treasury.InboundTransfers.create': 'write destructive',
  'Transfers.create': 'write destructive admin',
  'V2.MoneyManagement.OutboundPayments.create': 'write destructive admin',
  'Accounts.update': 'write admin',
  'Accounts.reject': 'write destructive admin',
  'WebhookEndpoints.update': 'write admin',
  'WebhookEndpoints.create': 'write secret admin',
  'AccountSessions.create': 'write secret admin',
  'EphemeralKeys.create': 'write secret admin',
  'Apps.Secrets.find': 'read secret',
  'Apps.Secrets.create': 'write secret admin',
  'BillingPortal.Sessions.create': 'write secret',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, effects] of Object.entries(expected)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.equal(found.effects.join(' '), effects, name)
  }
})

test('nothing that is not a GET is a plain read, but for what was reviewed', () => {
  const { operations } = JSON.parse(
    readFileSync(new URL('../../../src/provider/stripe/catalogue.json', import.meta.url), 'utf8'),
  ) as { operations: { name: string; method: string; effects: string }[] }
  const reads = operations.filter(({ method, effects }) => {
    return method !== 'GET' && effects.startsWith('read')
  })
  assert.deepEqual(
    reads.map(({ name }) => name),
    ['Invoices.createPreview'],
  )
})

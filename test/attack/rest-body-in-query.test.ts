/**
 * Some servers read what a form holds from the query as well (Rack merges the two), so that what was reviewed of a body
 * could be said in the query instead, or once in each with two values. Only where the description leaves the query open:
 * elsewhere a name that is not declared for it is refused.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { idsIn } from '../../src/provider/rest/adapter.ts'
import { identifyRest } from '../../src/provider/rest/identify.ts'
import { openCatalogue } from '../../src/provider/rest/open.ts'
import { stripeAdapter } from '../../src/provider/stripe/adapter.ts'
import { verbOf } from '../support/rest-request.ts'

const stripe = stripeAdapter()
const verb = (line: string, form = '') => verbOf(stripe, { line, form })

test('what a field of a body adds, it adds in the query of an operation that takes a body', () => {
  const line = 'POST /v1/payment_intents'
  assert.equal(verb(line, 'amount=1&on_behalf_of=acct_1'), 'PaymentIntents.create+admin')
  for (const query of [
    'on_behalf_of=acct_1',
    'transfer_data[destination]=acct_1',
    'expand[]=x&transfer_data%5Bdestination%5D=acct_1',
  ]) {
    assert.equal(verb(`${line}?${query}`, 'amount=1'), 'PaymentIntents.create+admin', query)
    assert.equal(verb(`${line}?${query}`), 'PaymentIntents.create+admin', query)
  }
  const submit = 'POST /v1/disputes/dp_1?submit=true'
  assert.equal(verb(submit, 'metadata[a]=b'), 'Disputes.update+destructive')
  assert.equal(verb(`${line}?expand[]=customer`, 'amount=1'), 'PaymentIntents.create')
  assert.equal(verb('GET /v1/payment_intents?customer=cus_1'), 'PaymentIntents.list')
})

test('an argument that comes in the query and in the body is two to somebody, and refused', () => {
  for (const query of ['amount=100000', 'Amount=100000', 'amount[]=1'])
    assert.match(verb(`POST /v1/payment_intents?${query}`, 'amount=1'), /^refused: .*in the body/)
})

test('an id of a body is one in such a query too', () => {
  const operation = {
    name: 'x',
    method: 'POST',
    path: '/x/{host}',
    effects: 'write',
    scope: 'environment',
    query: '*',
    body: '*',
    ids: 'host:host:target body.project_id:project:target',
  }
  const rules = { bodyLimit: 1000, accepts: () => true, headers: {}, resources: idsIn }
  const identified = identifyRest(
    openCatalogue(JSON.stringify({ source: 's', operations: [operation] })),
    rules,
    { method: 'POST', path: '/x/h', query: 'project_id=p', headers: {}, body: Buffer.alloc(0) },
  )
  assert.ok(identified.ok)
  const ids = identified.invocations[0]?.resources.map(({ kind, id }) => `${kind}:${id}`)
  assert.deepEqual(ids, ['host:h', 'project:p'])
})

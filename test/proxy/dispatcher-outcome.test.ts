/** What becomes of a request that the broker itself sends, by how its provider takes it. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openApprover } from '../support/approver.ts'
import { openTestBroker } from '../support/broker.ts'
import { openFickleUpstream } from '../support/fickle-upstream.ts'
import { gatedGrant, idOf, ownedBy } from '../support/gated.ts'
import { railwayIds } from '../support/railway-world.ts'
import { startStripeStandIn } from '../support/stripe-stand-in.ts'
import { until } from '../support/until.ts'
import { answerOf, grantOn, railway } from '../support/world.ts'

test('the provider knows a repeated request of the broker’s by the approval’s id', async (t) => {
  const stripe = await startStripeStandIn()
  t.after(() => stripe.close())
  const broker = await openTestBroker(t, { upstreams: { stripe: stripe.origin } })
  const granted = await grantOn(broker, {
    provider: 'stripe',
    bindings: [{ provider: 'stripe', kind: 'mode', id: 'test' }],
    secret: stripe.keys.test,
    grant: {
      verbs: ['write', 'read'],
      approval: 'always',
      approval_terms: { execute: 'broker' },
    },
  })
  const approver = await openApprover(broker)
  await ownedBy(broker, granted, approver)
  const send = async (key: string) =>
    answerOf(
      await fetch(`${broker.url}/proxy/stripe/v1/customers`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await granted.token()}`,
          'content-type': 'application/x-www-form-urlencoded',
          'idempotency-key': key,
        },
        body: 'email=a%40acme.example',
      }),
    )
  // As Stripe's clients do, with a new key each time.
  const asked = await send('one')
  const { approval } = asked.json as { approval?: { id: string } }
  const id =
    approval?.id ??
    (JSON.parse(asked.text) as { error: { approval: { id: string } } }).error.approval.id
  await approver.approve(id)
  const answer = await until('the answer is there', async () => {
    const again = await send('two')
    return again.status === 200 ? again : undefined
  })
  assert.equal(answer.json['id'], 'cus_2')
  assert.deepEqual(
    stripe.requests.map(({ target, headers }) => [target, headers['idempotency-key']]),
    [['/v1/customers', id]],
  )
})

test('how a provider ends it decides what is known of it', async (t) => {
  const upstream = await openFickleUpstream(t)
  let ahead = 0
  const broker = await openTestBroker(t, {
    upstreams: { railway: upstream.origin },
    now: () => Date.now() + ahead,
  })
  const granted = await grantOn(broker, {
    ...gatedGrant({ approval: 'always', approval_terms: { execute: 'broker' } }),
  })
  const approver = await openApprover(broker)
  await ownedBy(broker, granted, approver)
  let n = 0
  const asked = async () => {
    const query = `{ r${String(++n)}: environment(id: "${railwayIds.staging}") { id } }`
    const send = async () => railway(broker.url, await granted.token(), { query })
    return { send, id: idOf(await send()) }
  }
  const become = (id: string, wanted: string) =>
    until(`it is ${wanted}`, async () => {
      const { state } = await broker.api<{ state: string }>('GET', `/v1/approvals/${id}`)
      return state === wanted ? true : undefined
    })

  await t.test('broken off: it is unknown, says so, and is not sent again', async () => {
    const { send, id } = await asked()
    upstream.received.length = 0
    upstream.behave((response) => response.destroy())
    await approver.approve(id)
    await become(id, 'unknown')
    const again = await send()
    assert.deepEqual([again.status, again.json['code']], [409, 'approval_used'])
    assert.match(String(again.json['detail']), /not known/)
    assert.equal(upstream.received.length, 1)
  })
  await t.test(
    'broken off within its answer: it was sent, and there is no answer to give',
    async () => {
      const { send, id } = await asked()
      upstream.received.length = 0
      upstream.behave((response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '2000000' })
        response.write('{"data":'.padEnd(900_000, ' '), () => response.destroy())
      })
      await approver.approve(id)
      await until('it is over', async () => {
        const { state } = await broker.api<{ state: string }>('GET', `/v1/approvals/${id}`)
        return state === 'done' || state === 'unknown' ? true : undefined
      })
      assert.equal((await send()).json['code'], 'approval_used')
      assert.equal(upstream.received.length, 1)
    },
  )
  await t.test('not reached: nothing left, and it can be asked for again', async () => {
    const { send, id } = await asked()
    await upstream.down()
    await approver.approve(id)
    await become(id, 'cancelled')
    await upstream.up()
    const told = await send()
    assert.equal(told.json['code'], 'approval_denied')
    assert.match(String(told.json['detail']), /stopped before it was sent: no connection/)
    ahead += 61_000
    assert.notEqual(idOf(await send()), id)
  })
})

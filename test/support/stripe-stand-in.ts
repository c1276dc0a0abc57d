/**
 * Stripe, as far as the tests need it: a server on loopback that knows one test key and one live key, answers the
 * routes that its official client is driven over, and records every request that reached it. It answers whatever it is
 * asked, also what the broker should never have sent.
 */
import { startJsonStandIn, type StandIn, type StandInRequest } from './json-stand-in.ts'

export type StripeStandIn = StandIn & {
  readonly keys: { readonly test: string; readonly live: string }
}

const keys = { test: 'sk_test_51Stand1nStand1nStand1n', live: 'sk_live_51Stand1nStand1nStand1n' }

/** All but the broker's own questions about the balance are on record. */
export async function startStripeStandIn(): Promise<StripeStandIn> {
  const standIn = await startJsonStandIn(
    (request) => {
      const [status, json] = answer(request)
      return { status, json, headers: { 'request-id': 'req_1' } }
    },
    ({ method, target }) => method === 'GET' && target === '/v1/balance',
  )
  return { ...standIn, keys }
}

function answer({ method, target, headers, body }: StandInRequest): [number, unknown] {
  const livemode = headers['authorization'] === `Bearer ${keys.live}`
  if (!livemode && headers['authorization'] !== `Bearer ${keys.test}`)
    return [401, { error: { type: 'invalid_request_error', message: 'Invalid API Key provided' } }]
  const form = new URLSearchParams(body)
  const [path = ''] = target.split('?')
  switch (`${method} ${path}`) {
    case 'GET /v1/balance':
      return [200, { object: 'balance', livemode, available: [], pending: [] }]
    case 'GET /v1/customers':
      return [
        200,
        { object: 'list', url: path, has_more: false, data: [{ id: 'cus_1', livemode }] },
      ]
    case 'POST /v1/customers':
      return [200, { id: 'cus_2', object: 'customer', email: form.get('email'), livemode }]
    case 'POST /v1/payment_intents':
      return [
        200,
        {
          id: 'pi_1',
          object: 'payment_intent',
          amount: Number(form.get('amount')),
          client_secret: 'pi_1_secret_abc',
          latest_charge: { id: 'ch_1', payment_intent: { client_secret: 'pi_1_secret_abc' } },
          livemode,
        },
      ]
    case 'POST /v1/refunds':
      return [200, { id: 're_1', object: 'refund', status: 'succeeded' }]
    case 'POST /v2/billing/meter_events':
      return [200, { object: 'v2.billing.meter_event', livemode }]
    default:
      return [404, { error: { type: 'invalid_request_error', message: `No such route: ${path}` } }]
  }
}

/**
 * How Stripe is spoken to. The key says which environment it is: test or live, which Stripe itself is asked
 * (`livemode`), because a key's prefix is text that whoever stored it could have got wrong. Against an agent with a key
 * for one: nothing in a request can make it speak for another account or with another key.
 */
import type { RestManifest } from '../rest/manifest.ts'
import { facts } from './facts.ts'

export const manifest: RestManifest = {
  name: 'stripe',
  origins: ['https://api.stripe.com'],
  pathPrefixes: [],
  // `curl -u sk_…:` (Basic) is refused: a user name inside base64 is not a place where a capability is looked for.
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  // Its CLI wants `sk_` or `rk_`, and for a while wanted `test` after it (stripe-cli, pkg/validators). The credential says which mode it is.
  handle: { prefix: 'rk_test_', alphabet: 'base62', length: 40 },
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  bindings: [{ kind: 'mode', pattern: '^(?:test|live)$', example: 'test' }],
  errorMember: 'error',
  headers: {},
  meaningfulHeaders: {
    'idempotency-key': /^[\x21-\x7e]{1,255}$/,
    'stripe-version':
      /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:\.[a-z0-9_-]{1,40})?(?:; ?[a-z0-9_]{1,60}=v[0-9]{1,3}){0,10}$/,
  },
  // The account that a platform's key acts for. Every other header of Stripe's client says only who is calling: dropped.
  refusedHeaders: ['stripe-account', 'stripe-context', 'stripe-livemode'],
  // What Stripe's own scripts in browsers send in place of headers: a key, an account, a version; and Rails' `_method`.
  refusedFields: /^(?:key|stripe_account|stripe_context|_.*)$/i,
  accepts: ['application/json', 'application/*'],
  bodyLimit: 1024 * 1024,
  homes: { mode: { is: 'place' } },
  self: {
    is: 'asked',
    path: '/v1/balance',
    at: 'livemode',
    of: 'mode',
    as: { true: 'live', false: 'test' },
  },
  facts,
  rateLimitHeaders: ['stripe-rate-limited-reason', 'retry-after'],
  idempotencyHeader: 'idempotency-key',
}

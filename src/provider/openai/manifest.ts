/**
 * How OpenAI is spoken to. A key belongs to one project and is the environment: what it reaches is inside. Against an
 * agent: no header makes the request another project's or another organisation's.
 */
import type { RestManifest } from '../rest/manifest.ts'

export const manifest: RestManifest = {
  name: 'openai',
  origins: ['https://api.openai.com'],
  pathPrefixes: [],
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  // Its keys are `sk-` and 48 letters and digits, in their first form.
  handle: { prefix: 'sk-', alphabet: 'base62', length: 48 },
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  bindings: [{ kind: 'key', pattern: '^own$', example: 'own' }],
  errorMember: 'error',
  headers: {},
  meaningfulHeaders: {
    'idempotency-key': /^[\x21-\x7e]{1,255}$/,
    'openai-beta':
      /^[a-z0-9_-]{1,60}(?:=[a-z0-9._-]{1,40})?(?:, ?[a-z0-9_-]{1,60}(?:=[a-z0-9._-]{1,40})?){0,10}$/,
  },
  refusedHeaders: ['openai-organization', 'openai-project', 'openai-user'],
  accepts: ['application/*', 'text/event-stream', 'text/plain', 'audio/*', 'image/*', 'video/*'],
  bodyLimit: 2 * 1024 * 1024,
  homes: { key: { is: 'place' } },
  self: { is: 'key' },
  rateLimitHeaders: [
    'x-ratelimit-remaining-requests',
    'x-ratelimit-remaining-tokens',
    'retry-after',
  ],
  idempotencyHeader: 'idempotency-key',
}

/**
 * How Anthropic is spoken to. A key belongs to one workspace and is the environment: what it reaches is inside. Against an
 * agent: no header makes the request another workspace's, another organisation's or another person's.
 */
import type { RestManifest } from '../rest/manifest.ts'

export const manifest: RestManifest = {
  name: 'anthropic',
  origins: ['https://api.anthropic.com'],
  pathPrefixes: [],
  carriers: [
    { name: 'x-api-key', header: 'x-api-key', prefix: '' },
    { name: 'bearer', header: 'authorization', prefix: 'Bearer ' },
  ],
  // Its keys begin so.
  handle: { prefix: 'sk-ant-api03-', alphabet: 'base62', length: 48 },
  injections: [
    { name: 'x-api-key', header: 'x-api-key', prefix: '' },
    { name: 'bearer', header: 'authorization', prefix: 'Bearer ' },
  ],
  bindings: [{ kind: 'key', pattern: '^own$', example: 'own' }],
  errorMember: 'error',
  headers: {},
  meaningfulHeaders: {
    'anthropic-version': /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/,
    'anthropic-beta': /^[a-z0-9][a-z0-9_.-]{0,80}(?:, ?[a-z0-9][a-z0-9_.-]{0,80}){0,30}$/,
    'anthropic-worker-id': /^[A-Za-z0-9._-]{1,100}$/,
  },
  refusedHeaders: [
    'anthropic-workspace-id',
    'anthropic-organization-id',
    'anthropic-user-profile-id',
  ],
  accepts: ['application/*', 'text/event-stream'],
  bodyLimit: 2 * 1024 * 1024,
  homes: { key: { is: 'place' } },
  self: { is: 'key' },
  rateLimitHeaders: [
    'anthropic-ratelimit-requests-remaining',
    'anthropic-ratelimit-tokens-remaining',
    'retry-after',
  ],
}

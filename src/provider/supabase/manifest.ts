/**
 * How Supabase's management API is spoken to. Its environments are projects, named by their refs in the path; a branch
 * is a project of its own, with a ref of its own, and says which.
 */
import type { RestManifest } from '../rest/manifest.ts'
import { facts } from './facts.ts'

export const manifest: RestManifest = {
  name: 'supabase',
  origins: ['https://api.supabase.com'],
  pathPrefixes: [],
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  // Its CLI: `^sbp_(oauth_)?[a-f0-9]{40}$` (supabase/cli, internal/utils/access_token.go).
  handle: { prefix: 'sbp_', alphabet: 'hex', length: 40 },
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  bindings: [{ kind: 'project', pattern: '^[a-z]{20}$', example: 'abcdefghijklmnopqrst' }],
  headers: {},
  meaningfulHeaders: { 'idempotency-key': /^[\x21-\x7e]{1,255}$/ },
  refusedHeaders: [],
  accepts: ['application/json', 'text/plain', 'application/octet-stream'],
  bodyLimit: 4 * 1024 * 1024,
  homes: {
    project: { is: 'place' },
    // By its ref. The answer does not repeat the id that a branch can also be named by, which Supabase calls deprecated.
    branch: { is: 'asked', path: '/v1/branches/{id}', at: 'ref', of: 'project', same: 'ref' },
    // Where a branch is merged into: the bound project that lists it, by its ref as well.
    merged_branch: {
      is: 'listed',
      of: 'project',
      path: '/v1/projects/{of}/branches',
      items: '*.project_ref',
      spelled: '{id}',
      next: 'next',
    },
  },
  facts,
  rateLimitHeaders: ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
  idempotencyHeader: 'idempotency-key',
}

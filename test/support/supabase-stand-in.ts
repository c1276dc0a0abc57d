/**
 * Supabase's management API, as far as the tests need it: a server on loopback with a staging project, a branch of it,
 * and production, and a record of every request. It answers whatever it is asked, also what the broker should never have
 * sent.
 */
import { startJsonStandIn, type StandIn } from './json-stand-in.ts'

export type SupabaseStandIn = StandIn

export const staging = 'stagingstagingstagin'
export const preview = 'previewpreviewprevie'
export const production = 'productionproduction'
export const previewBranch = '5a1e0000-0000-4000-8000-000000000001'
export const productionBranch = '5a1e0000-0000-4000-8000-000000000009'
export const token = 'sbp_stand1nstand1nstand1nstand1nstand1n'

function branch(ref: string): unknown {
  const secret = `secret-of-${ref}`
  return { ref, status: 'ACTIVE_HEALTHY', db_host: 'db', db_pass: secret, jwt_secret: secret }
}

const world: Readonly<Record<string, unknown>> = {
  'GET /v1/projects': [{ ref: staging }, { ref: preview }, { ref: production }],
  [`GET /v1/branches/${preview}`]: branch(preview),
  [`GET /v1/branches/${production}`]: branch(production),
  // By its id, of which the answer says nothing.
  [`GET /v1/branches/${previewBranch}`]: branch(preview),
  [`GET /v1/branches/${productionBranch}`]: branch(production),
  [`GET /v1/projects/${staging}/branches?page=1`]: [
    { id: previewBranch, project_ref: preview, parent_project_ref: staging },
  ],
  [`GET /v1/projects/${staging}/postgrest`]: { db_schema: 'public', jwt_secret: 'secret-of-it' },
}

export function startSupabaseStandIn(): Promise<SupabaseStandIn> {
  return startJsonStandIn(({ method, target, headers }) => {
    if (headers['authorization'] !== `Bearer ${token}`)
      return { status: 401, json: { message: 'Unauthorized' } }
    const known = world[`${method} ${target}`]
    return { status: known === undefined && method === 'POST' ? 201 : 200, json: known ?? [] }
  })
}

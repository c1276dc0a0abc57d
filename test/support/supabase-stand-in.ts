/**
 * Supabase's management API, as far as the tests need it: a server on loopback with a staging project, a branch of it,
 * and production, and a record of every request. It answers whatever it is asked, also what the broker should never have
 * sent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type SupabaseRequest = {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

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

export type SupabaseStandIn = {
  readonly origin: string
  readonly requests: readonly SupabaseRequest[]
  close(): Promise<void>
}

export async function startSupabaseStandIn(): Promise<SupabaseStandIn> {
  const requests: SupabaseRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      requests.push({ method, target: url, headers, body: Buffer.concat(chunks).toString() })
      const authorised = headers.authorization === `Bearer ${token}`
      const known = world[`${method} ${url}`]
      const json = authorised ? (known ?? []) : { message: 'Unauthorized' }
      response.writeHead(!authorised ? 401 : known === undefined && method === 'POST' ? 201 : 200, {
        'content-type': 'application/json',
      })
      response.end(JSON.stringify(json))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${String(port)}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

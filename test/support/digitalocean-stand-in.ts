/**
 * DigitalOcean, as far as the tests need it: a server on loopback with two projects, staging's and production's (which
 * is the account's default one), and a record of every request that changed something or asked for something else than
 * where an id lives. It answers whatever it is asked, also what the broker should never have sent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type DigitaloceanRequest = {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export const staging = '11111111-1111-4111-8111-111111111111'
export const production = '99999999-9999-4999-8999-999999999999'
export const stagingDatabase = 'aaaaaaaa-0000-4000-8000-000000000001'
export const productionDatabase = 'bbbbbbbb-0000-4000-8000-000000000001'
export const stagingVolume = 'aaaaaaaa-0000-4000-8000-000000000002'
export const productionVolume = 'bbbbbbbb-0000-4000-8000-000000000002'
export const stagingFirewall = 'aaaaaaaa-0000-4000-8000-000000000003'
export const taggedFirewall = 'aaaaaaaa-0000-4000-8000-000000000004'
export const token = 'dop_v1_stand1nstand1nstand1nstand1n'

const resources: Readonly<Record<string, readonly (readonly string[])[]>> = {
  [staging]: [
    ['do:droplet:101', `do:volume:${stagingVolume}`],
    ['do:droplet:102', 'do:domain:staging.example.com'],
  ],
  [production]: [['do:droplet:901', `do:volume:${productionVolume}`, 'do:domain:example.com']],
}

function database(id: string, projectId: string): unknown {
  const password = `secret-of-${id}`
  const connection = { uri: `postgres://doadmin:${password}@db.example/x`, host: 'db', password }
  return { database: { id, name: 'db', project_id: projectId, connection, users: [{ password }] } }
}

/** What answers the questions of where an id lives. */
const world: Readonly<Record<string, unknown>> = {
  '/v2/projects?per_page=200': { projects: [{ id: staging }, { id: production }] },
  '/v2/projects/default': { project: { id: production, is_default: true } },
  [`/v2/databases/${stagingDatabase}`]: database(stagingDatabase, staging),
  [`/v2/databases/${productionDatabase}`]: database(productionDatabase, production),
  '/v2/snapshots/501': {
    snapshot: { id: '501', resource_id: '101', resource_type: 'droplet' },
  },
  '/v2/snapshots/509': {
    snapshot: { id: '509', resource_id: '901', resource_type: 'droplet' },
  },
  '/v2/snapshots/507': { snapshot: { id: '507', resource_id: '101', resource_type: 'planet' } },
  '/v2/reserved_ips/192.0.2.1': {
    reserved_ip: { ip: '192.0.2.1', project_id: staging, droplet: null },
  },
  // It is staging's, and production's droplet answers on it.
  '/v2/reserved_ips/192.0.2.9': {
    reserved_ip: { ip: '192.0.2.9', project_id: staging, droplet: { id: 901 } },
  },
  [`/v2/firewalls/${stagingFirewall}`]: {
    firewall: { id: stagingFirewall, droplet_ids: [101, 102], tags: [] },
  },
  [`/v2/firewalls/${taggedFirewall}`]: {
    firewall: { id: taggedFirewall, droplet_ids: [101], tags: ['web'] },
  },
}

export type DigitaloceanStandIn = {
  readonly origin: string
  readonly requests: readonly DigitaloceanRequest[]
  close(): Promise<void>
}

export async function startDigitaloceanStandIn(): Promise<DigitaloceanStandIn> {
  const requests: DigitaloceanRequest[] = []
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      requests.push({ method, target: url, headers, body: Buffer.concat(chunks).toString() })
      const authorised = headers.authorization === `Bearer ${token}`
      const json = authorised
        ? (placeOf(method, url) ?? { links: {}, meta: {}, action: { status: 'in-progress' } })
        : { id: 'Unauthorized', message: 'Unable to authenticate you' }
      response.writeHead(authorised ? 200 : 401, {
        'content-type': 'application/json',
        'ratelimit-remaining': '4999',
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

function placeOf(method: string, target: string): unknown {
  if (method !== 'GET') return undefined
  const { pathname, searchParams } = new URL(target, 'http://stand.in')
  const project = /^\/v2\/projects\/([^/]+)\/resources$/.exec(pathname)?.[1]
  if (project === undefined) return world[target]
  const pages = resources[project] ?? []
  const page = Number(searchParams.get('page') ?? '1')
  return {
    resources: (pages[page - 1] ?? []).map((urn) => ({ urn, status: 'ok' })),
    links: page < pages.length ? { pages: { next: 'there is another' } } : {},
  }
}

/**
 * DigitalOcean, as far as the tests need it: a server on loopback with two projects, staging's and production's (which
 * is the account's default one), and a record of every request that changed something or asked for something else than
 * where an id lives. It answers whatever it is asked, also what the broker should never have sent.
 */
import { startJsonStandIn, type StandIn, type StandInRequest } from './json-stand-in.ts'

/** A snapshot of staging's volume that was made so many hours ago. */
function snapshotOf(volume: string, hours: number): unknown {
  return {
    id: '8fa70202-873f-11e6-8b68-000f533176b1',
    name: 'nightly',
    regions: ['fra1'],
    created_at: new Date(Date.now() - hours * 3_600_000).toISOString(),
    resource_id: volume,
    resource_type: 'volume',
    min_disk_size: 100,
    size_gigabytes: 12.5,
    tags: null,
  }
}

export type DigitaloceanRequest = StandInRequest
export type DigitaloceanStandIn = StandIn

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
  [`/v2/volumes/${stagingVolume}`]: {
    volume: {
      id: stagingVolume,
      name: 'staging-data',
      region: { name: 'Frankfurt 1', slug: 'fra1', available: true },
      droplet_ids: [101],
      size_gigabytes: 100,
      filesystem_type: 'ext4',
      created_at: '2026-03-02T17:00:49Z',
    },
  },
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

export function startDigitaloceanStandIn(): Promise<DigitaloceanStandIn> {
  return startJsonStandIn(({ method, target, headers }) => {
    const authorised = headers['authorization'] === `Bearer ${token}`
    return {
      status: authorised ? 200 : 401,
      json: authorised
        ? (placeOf(method, target) ?? { links: {}, meta: {}, action: { status: 'in-progress' } })
        : { id: 'Unauthorized', message: 'Unable to authenticate you' },
      headers: { 'ratelimit-remaining': '4999' },
    }
  })
}

function placeOf(method: string, target: string): unknown {
  if (method !== 'GET') return undefined
  const { pathname, searchParams } = new URL(target, 'http://stand.in')
  if (pathname === `/v2/volumes/${stagingVolume}/snapshots`)
    return { snapshots: [snapshotOf(stagingVolume, 3.5)], links: {}, meta: { total: 1 } }
  const project = /^\/v2\/projects\/([^/]+)\/resources$/.exec(pathname)?.[1]
  if (project === undefined) return world[target]
  const pages = resources[project] ?? []
  const page = Number(searchParams.get('page') ?? '1')
  return {
    resources: (pages[page - 1] ?? []).map((urn) => ({ urn, status: 'ok' })),
    links: page < pages.length ? { pages: { next: 'there is another' } } : {},
  }
}

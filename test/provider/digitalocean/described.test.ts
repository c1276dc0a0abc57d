/**
 * Requests to DigitalOcean, through a whole broker, over DigitalOcean's own description: what reaches it is the operation
 * that was meant, and holds against what DigitalOcean says of it; so do the broker's own questions of where an id lives.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, describe, test } from 'node:test'
import { bundle } from '../../../src/provider/compile/bundle.ts'
import { readArchive } from '../../../src/provider/digitalocean/archive.ts'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import {
  startDescribedUpstream,
  type Arrived,
  type DescribedUpstream,
} from '../../support/described-upstream.ts'
import type { Answered, Recorded } from '../../support/recorded-server.ts'
import { answerOf, grantOn, type Answer } from '../../support/world.ts'

const url = new URL(
  '../../../../shared/specs/digitalocean-openapi-specification.tar.gz',
  import.meta.url,
)
const skip = existsSync(url) ? false : 'DigitalOcean’s description is not here'

const secret = 'dop_v1_stand1nstand1nstand1nstand1n'
const staging = '11111111-1111-4111-8111-111111111111'
const production = '99999999-9999-4999-8999-999999999999'
const database = 'aaaaaaaa-0000-4000-8000-000000000001'
const otherDatabase = 'bbbbbbbb-0000-4000-8000-000000000001'

const paths = [
  '/v2/databases',
  '/v2/databases/{database_cluster_uuid}',
  '/v2/databases/{database_cluster_uuid}/dbs',
  '/v2/domains/{domain_name}/records',
  '/v2/droplets/{droplet_id}',
  '/v2/droplets/{droplet_id}/actions',
  '/v2/droplets/{droplet_id}/snapshots',
  '/v2/projects',
  '/v2/projects/default',
  '/v2/projects/{project_id}/resources',
  '/v2/snapshots/{snapshot_id}',
]

/** Two projects: staging has droplet 101, a domain and a database; all else is production's. */
function state({ method, target }: Recorded, described: Answered): Answered {
  if (method !== 'GET') return described
  const [path = ''] = target.split('?')
  const json = described.json as Readonly<Record<string, object>>
  const owned = (project_id: string, id: string) => ({
    database: { ...json['database'], id, project_id },
  })
  const urns = ['do:droplet:101', 'do:domain:staging.example.com']
  const known: Readonly<Record<string, () => object>> = {
    [`/v2/projects/${staging}/resources`]: () => ({
      resources: urns.map((urn) => ({ urn, status: 'ok' })),
      links: {},
    }),
    [`/v2/databases/${database}`]: () => owned(staging, database),
    [`/v2/databases/${otherDatabase}`]: () => owned(production, otherDatabase),
    '/v2/snapshots/501': () => ({
      snapshot: { ...json['snapshot'], id: '501', resource_id: '101', resource_type: 'droplet' },
    }),
  }
  const stated = Object.hasOwn(known, path) ? known[path]?.() : undefined
  return stated === undefined ? described : { ...described, json: { ...json, ...stated } }
}

describe('requests over DigitalOcean’s description', { skip }, () => {
  let upstream: DescribedUpstream
  let broker: TestBroker
  let call: (method: string, path: string, body?: unknown) => Promise<Answer>

  before(async () => {
    const files = readArchive(readFileSync(url))
    upstream = await startDescribedUpstream({
      description: bundle('specification/DigitalOcean-public.v2.yaml', (path) => files.get(path)),
      paths,
      token: secret,
      state,
    })
    broker = await openTestBroker(undefined, { upstreams: { digitalocean: upstream.origin } })
    const granted = await grantOn(broker, {
      provider: 'digitalocean',
      bindings: [{ provider: 'digitalocean', kind: 'project', id: staging }],
      secret,
      grant: {
        verbs: ['read', 'write', 'domains_create_record', 'snapshots_delete'],
        approval: 'never',
      },
    })
    const token = await granted.token()
    call = async (method, path, body) =>
      answerOf(
        await fetch(`${broker.url}/proxy/digitalocean/v2${path}`, {
          method,
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    // What a credential reaches is asked when it is stored.
    assert.deepEqual(names(), ['projects_list'])
  })

  after(async () => {
    await broker.close()
    await upstream.close()
  })

  afterEach(() => {
    upstream.take()
  })

  function names(): readonly string[] {
    return upstream.take().map(({ operation }) => operation)
  }

  /** The last that arrived: before it came the broker's own questions. */
  async function sent(method: string, path: string, body?: unknown): Promise<Arrived | undefined> {
    const answer = await call(method, path, body)
    assert.ok(answer.status < 300, answer.text)
    return upstream.take().at(-1)
  }

  test('a droplet is asked for where the project lists it, and acted on as was meant', async () => {
    assert.equal((await call('GET', '/droplets/101')).status, 200)
    const listing = {
      operation: 'projects_list_resources',
      path: `/v2/projects/${staging}/resources`,
      query: { per_page: '200', page: '1' },
    }
    assert.deepEqual(upstream.take(), [
      listing,
      { operation: 'droplets_get', path: '/v2/droplets/101' },
    ])
    assert.deepEqual(await sent('GET', '/droplets/101/snapshots?page=1&per_page=20'), {
      operation: 'droplets_list_snapshots',
      path: '/v2/droplets/101/snapshots',
      query: { page: '1', per_page: '20' },
    })
    const action = { type: 'snapshot', name: 'Größe' }
    assert.deepEqual(await sent('POST', '/droplets/101/actions', action), {
      operation: 'dropletActions_post',
      path: '/v2/droplets/101/actions',
      body: action,
    })
  })

  test('a database is reached by its own answer, and its passwords are not told', async () => {
    const answer = await call('GET', `/databases/${database}`)
    const { connection } = answer.json['database'] as { connection: Record<string, unknown> }
    assert.equal(connection['password'], '[redacted]')
    assert.equal(connection['uri'], '[redacted]')
    assert.match(String(connection['host']), /\.ondigitalocean\.com$/)
    assert.deepEqual(names(), ['databases_get_cluster', 'databases_get_cluster'])
    const made = { name: 'db', engine: 'pg', num_nodes: 1, size: 'db-s-1vcpu-1gb', region: 'fra1' }
    const named = { ...made, project_id: staging }
    assert.deepEqual(await sent('POST', '/databases', named), {
      operation: 'databases_create_cluster',
      path: '/v2/databases',
      body: named,
    })
    const elsewhere = await call('POST', '/databases', made)
    assert.equal(elsewhere.json['code'], 'environment_outside')
    assert.deepEqual(names(), ['projects_get_default'])
  })

  test('a record is made and a snapshot deleted, each after it was found to be the project’s', async () => {
    const record = { type: 'A', name: 'www', data: '192.0.2.1', ttl: 1800 }
    assert.deepEqual(await sent('POST', '/domains/staging.example.com/records', record), {
      operation: 'domains_create_record',
      path: '/v2/domains/staging.example.com/records',
      body: record,
    })
    assert.equal((await call('DELETE', '/snapshots/501')).status, 204)
    assert.deepEqual(names(), ['snapshots_get', 'projects_list_resources', 'snapshots_delete'])
  })

  test('what is not granted, or not the project’s, is refused', async () => {
    assert.equal((await call('DELETE', '/droplets/101')).json['code'], 'verb_missing')
    const off = await call('POST', '/droplets/101/actions', { type: 'power_off' })
    assert.equal(off.json['code'], 'verb_missing')
    assert.deepEqual(upstream.take(), [])
    const droplet = await call('GET', '/droplets/901')
    assert.equal(droplet.json['code'], 'environment_unresolved')
    const other = await call('GET', `/databases/${otherDatabase}`)
    assert.equal(other.json['code'], 'environment_outside')
    assert.deepEqual(names(), ['projects_list_resources', 'databases_get_cluster'])
  })
})

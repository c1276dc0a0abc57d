/** Ids of another project, however they are brought along: in a list, nested, by name, by tag, by an address's owner. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Located } from '../../src/core/operation.ts'
import { digitaloceanAdapter } from '../../src/provider/digitalocean/adapter.ts'
import * as world from '../support/digitalocean-stand-in.ts'

const adapter = digitaloceanAdapter()
let upstream: world.DigitaloceanStandIn
before(async () => {
  upstream = await world.startDigitaloceanStandIn()
})
after(() => upstream.close())

type Verdict = { readonly located: Located; readonly widens: readonly string[] } | string

async function judge(method: string, path: string, body?: unknown): Promise<Verdict> {
  const [target = '', query] = path.split('?')
  const identified = adapter.identify({
    method,
    path: `/v2${target}`,
    query,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
  })
  if (!identified.ok) return identified.refusal.detail
  const [invocation] = identified.invocations
  assert.ok(invocation !== undefined)
  if (invocation.scope === 'account') return 'account'
  const located = await adapter.locate(invocation, {
    fresh: true,
    cacheKey: 'cred:1',
    bound: new Set([`project:${world.staging}`]),
    async ask(question) {
      const response = await fetch(`${upstream.origin}${question.target}`, {
        headers: { authorization: `Bearer ${world.token}` },
      })
      const json: unknown = await response.json()
      // Nothing is known of what the stand-in does not list.
      const known =
        JSON.stringify(json) !==
        JSON.stringify({ links: {}, meta: {}, action: { status: 'in-progress' } })
      return known ? { status: 200, json } : { status: 404, json: {} }
    },
  })
  return { located, widens: invocation.widens }
}

function stays(verdict: Verdict): boolean {
  if (typeof verdict === 'string') return false
  const { located, widens } = verdict
  return (
    widens.length === 0 &&
    located.unresolved.length === 0 &&
    located.places.length > 0 &&
    located.places.every((place) => place === `project:${world.staging}`)
  )
}

const { staging, production, stagingVolume, productionVolume } = world
const rule = { protocol: 'tcp', ports: '22' }

const inside: readonly [string, string, unknown?][] = [
  ['GET', '/droplets/101'],
  ['DELETE', `/volumes/${stagingVolume}`],
  ['POST', `/projects/${staging}/resources`, { resources: ['do:droplet:101'] }],
  ['POST', '/droplets/101/actions', { type: 'rebuild', image: 'ubuntu-24-04-x64' }],
  ['POST', '/droplets/101/actions', { type: 'rebuild', image: 501 }],
  ['POST', `/volumes/${stagingVolume}/actions`, { type: 'attach', droplet_id: 102 }],
  ['POST', '/reserved_ips/192.0.2.1/actions', { type: 'assign', droplet_id: 101 }],
  ['POST', `/firewalls/${world.stagingFirewall}/rules`, { inbound_rules: [rule] }],
  ['GET', '/monitoring/metrics/droplet/cpu?host_id=101&start=1&end=2'],
  ['POST', '/reserved_ips', { region: 'fra1', project_id: staging }],
  [
    'DELETE',
    '/droplets/101/destroy_with_associated_resources/selective',
    { volumes: [stagingVolume] },
  ],
]

const outside: readonly [string, string, unknown?][] = [
  ['GET', '/droplets/901'],
  ['GET', '/droplets/0101'],
  ['DELETE', `/volumes/${productionVolume}`],
  // Its own project, and somebody else's droplet moved into it.
  ['POST', `/projects/${staging}/resources`, { resources: ['do:droplet:101', 'do:droplet:901'] }],
  ['POST', `/projects/${staging}/resources`, { resources: [], x: 1 }],
  // Its own droplet moved away.
  ['POST', `/projects/${production}/resources`, { resources: ['do:droplet:101'] }],
  ['POST', '/projects/default/resources', { resources: ['do:droplet:101'] }],
  // Another project's disk image read into its own droplet.
  ['POST', '/droplets/101/actions', { type: 'rebuild', image: 509 }],
  ['POST', '/droplets/101/actions', { type: 'rebuild', image: '509' }],
  ['POST', '/droplets/101/actions', { type: 'rebuild', image: { id: 501 } }],
  ['POST', `/volumes/${stagingVolume}/actions`, { type: 'attach', droplet_id: 901 }],
  ['POST', '/volumes/actions', { type: 'detach', volume_name: 'prod', droplet_id: 101 }],
  // An address of its own that production's droplet answers on.
  ['POST', '/reserved_ips/192.0.2.9/actions', { type: 'unassign' }],
  ['POST', '/reserved_ips', { droplet_id: 101 }],
  ['POST', '/reserved_ips', { region: 'fra1', project_id: null }],
  ['POST', '/reserved_ips', { region: 'fra1', project_id: '' }],
  ['POST', '/reserved_ips', { region: 'fra1', project_id: [staging, production] }],
  // By tag: whatever has it.
  ['DELETE', '/droplets?tag_name=web'],
  ['POST', '/droplets/actions?tag_name=web', { type: 'reboot' }],
  ['POST', `/firewalls/${world.taggedFirewall}/rules`, { inbound_rules: [rule] }],
  ['POST', `/firewalls/${world.stagingFirewall}/tags`, { tags: ['web'] }],
  ['POST', `/firewalls/${world.stagingFirewall}/droplets`, { droplet_ids: [101, 901] }],
  ['POST', `/firewalls/${world.stagingFirewall}/droplets`, { droplet_ids: '901' }],
  ['POST', '/droplets', { name: 'x', project_id: staging }],
  // Whatever hangs on it, wherever that belongs.
  ['DELETE', '/droplets/101/destroy_with_associated_resources/dangerous'],
  [
    'DELETE',
    '/droplets/101/destroy_with_associated_resources/selective',
    { volumes: [productionVolume] },
  ],
  ['DELETE', '/droplets/101/destroy_with_associated_resources/selective', { snapshots: ['509'] }],
  // What everybody creates afterwards.
  ['PATCH', `/projects/${staging}`, { is_default: true }],
  ['PATCH', `/projects/${staging}`, { is_default: 'yes' }],
  // A snapshot of what we do not know; an id that becomes path.
  ['DELETE', '/snapshots/507'],
  ['GET', '/snapshots/501%2F..%2F509'],
  ['DELETE', '/volumes?name=prod&region=fra1'],
]

test('what stays inside of the project may go', async () => {
  for (const [method, path, body] of inside)
    assert.ok(stays(await judge(method, path, body)), `${method} ${path} ${JSON.stringify(body)}`)
})

test('what reaches another project, or cannot be told, may not', async () => {
  for (const [method, path, body] of outside)
    assert.ok(!stays(await judge(method, path, body)), `${method} ${path} ${JSON.stringify(body)}`)
})

test('a tag joins whatever goes by it, however it is written', async () => {
  const pool = `/kubernetes/clusters/${staging}/node_pools`
  for (const tags of [['web'], 'web', { 0: 'web' }, [['web']]]) {
    const verdict = await judge('POST', pool, { name: 'x', size: 's', count: 1, tags })
    assert.ok(typeof verdict === 'object' && verdict.widens.length > 0, JSON.stringify(tags))
  }
  const none = await judge('POST', pool, { name: 'x', size: 's', count: 1, tags: [] })
  assert.ok(typeof none === 'object' && none.widens.length === 0)
})

test('an app is looked up by the id in the path, not by a name beside it', async () => {
  const verdict = await judge('GET', '/apps/own?name=prod')
  assert.ok(typeof verdict === 'object' && verdict.widens.length > 0)
})

test('a database or a bucket of the account that is only named widens', async () => {
  const spec = { name: 'a', databases: [{ name: 'db', cluster_name: 'prod', production: true }] }
  const verdict = await judge('POST', '/apps', { project_id: staging, spec })
  assert.ok(typeof verdict === 'object' && verdict.widens.length > 0)
  const restore = { backup_restore: { database_name: 'prod' }, project_id: staging }
  const restored = await judge('POST', '/databases', { name: 'x', ...restore })
  assert.ok(typeof restored === 'object' && restored.widens.length > 0)
})

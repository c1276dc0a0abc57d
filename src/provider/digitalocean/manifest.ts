/**
 * How DigitalOcean is spoken to. Its environments are projects: a resource belongs to exactly one, and what is created
 * without naming one lands in the account's default project. A token reaches the whole account, so nothing but the
 * project's own list, or a resource's own `project_id`, says where an id lives.
 */
import type { Home, RestManifest } from '../rest/manifest.ts'
import { facts } from './facts.ts'

/** What a project lists, by its URN. */
function inProject(spelled: string): Home {
  return {
    is: 'listed',
    of: 'project',
    path: '/v2/projects/{of}/resources?per_page=200',
    items: 'resources.*.urn',
    spelled,
    next: 'links.pages.next',
  }
}

/** What says itself to which project it belongs; under `key` in its own answer. */
function withProject(path: string, key: string, same = 'id'): Home {
  return {
    is: 'asked',
    path: `${path}/{id}`,
    at: `${key}.project_id`,
    of: 'project',
    same: `${key}.${same}`,
  }
}

/** An address also reaches the droplet that it is assigned to, which can be of another project. */
function address(path: string, key: string): Home {
  return {
    is: 'asked',
    path: `${path}/{id}`,
    at: `${key}.project_id`,
    of: 'project',
    same: `${key}.ip`,
    also: [{ at: `${key}.droplet.id`, of: 'droplet' }],
  }
}

/**
 * A slug is a public image; a number may be a snapshot, whose droplet says where it lives. Backups and custom images
 * name nothing that has a project, and stay unresolved.
 */
const image: Home = {
  is: 'asked',
  path: '/v2/snapshots/{id}',
  at: 'snapshot.resource_id',
  of: { at: 'snapshot.resource_type', kinds: { droplet: 'droplet' } },
  same: 'snapshot.id',
  provided: /^(?![0-9a-f]{8}-)[a-z][a-z0-9]*(?:[-.][a-z0-9]+)+$/,
}

export const manifest: RestManifest = {
  name: 'digitalocean',
  origins: ['https://api.digitalocean.com'],
  pathPrefixes: [],
  carriers: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  // Its tokens are `dop_v1_` and 64 hexadecimal digits.
  handle: { prefix: 'dop_v1_', alphabet: 'hex', length: 64 },
  injections: [{ name: 'bearer', header: 'authorization', prefix: 'Bearer ' }],
  bindings: [
    {
      kind: 'project',
      pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
      example: '4e1bfbc3-dc3e-41f2-a18f-1b4d7ba71679',
    },
  ],
  headers: {},
  // Asked for by the two operations that also destroy what hangs on a droplet or an autoscale pool.
  meaningfulHeaders: { 'x-dangerous': /^true$/ },
  refusedHeaders: [],
  accepts: ['application/json'],
  bodyLimit: 1024 * 1024,
  homes: {
    project: { is: 'place' },
    // Where what names no project goes.
    default_project: {
      is: 'asked',
      path: '/v2/projects/default',
      at: 'project.id',
      of: 'project',
    },
    urn: inProject('{id}'),
    droplet: inProject('do:droplet:{id}'),
    volume: inProject('do:volume:{id}'),
    domain: inProject('do:domain:{id}'),
    kubernetes: inProject('do:kubernetes:{id}'),
    vpc: inProject('do:vpc:{id}'),
    app: withProject('/v2/apps', 'app'),
    database: withProject('/v2/databases', 'database'),
    load_balancer: withProject('/v2/load_balancers', 'load_balancer'),
    reserved_ip: address('/v2/reserved_ips', 'reserved_ip'),
    floating_ip: address('/v2/floating_ips', 'floating_ip'),
    vector_database: withProject('/v2/vector-databases', 'vector_db'),
    agent: withProject('/v2/gen-ai/agents', 'agent', 'uuid'),
    knowledge_base: withProject('/v2/gen-ai/knowledge_bases', 'knowledge_base', 'uuid'),
    byoip_prefix: withProject('/v2/byoip_prefixes', 'byoip_prefix', 'uuid'),
    autoscale_pool: {
      is: 'asked',
      path: '/v2/droplets/autoscale/{id}',
      at: 'autoscale_pool.droplet_template.project_id',
      of: 'project',
      same: 'autoscale_pool.id',
    },
    snapshot: {
      is: 'asked',
      path: '/v2/snapshots/{id}',
      at: 'snapshot.resource_id',
      of: { at: 'snapshot.resource_type', kinds: { droplet: 'droplet', volume: 'volume' } },
      same: 'snapshot.id',
    },
    image,
    action: {
      is: 'asked',
      path: '/v2/actions/{id}',
      at: 'action.resource_id',
      of: { at: 'action.resource_type', kinds: { droplet: 'droplet' } },
      same: 'action.id',
    },
    // It filters the droplets that it lists, and whatever carries one of its tags.
    firewall: {
      is: 'asked',
      path: '/v2/firewalls/{id}',
      at: 'firewall.droplet_ids.*',
      of: 'droplet',
      same: 'firewall.id',
      unless: 'firewall.tags.*',
    },
  },
  facts,
  rateLimitHeaders: ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'],
}

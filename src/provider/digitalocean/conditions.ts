/** What arguments add to DigitalOcean's operations: one endpoint does many things, and the body says which. */
import type { Condition } from '../../core/condition.ts'
import type { JsonValue } from '../../core/operation.ts'

/**
 * An endpoint whose body says by `type` what is done. `plain` types only write, `grave` ones also destroy, and one that
 * is not known may do anything.
 */
function byType(plain: readonly string[], grave: readonly string[]): readonly Condition[] {
  return [
    { path: 'body.type', noneOf: plain, adds: ['destructive'] },
    { path: 'body.type', noneOf: [...plain, ...grave], adds: ['admin'] },
  ]
}

/** Something stands there, and it is not one of these. */
function unless(path: string, noneOf: readonly JsonValue[], widens: string): Condition {
  return { path, noneOf, widens }
}

/** Firewalls, load balancers and trusted sources of the whole account go by tags. */
function tags(...paths: readonly string[]): readonly Condition[] {
  return paths.map((path) => ({
    path,
    // One text in place of a list names a tag too.
    noneOf: [[], '', null],
    widens: 'whatever in the account goes by that tag',
  }))
}

const dropletActions: readonly Condition[] = [
  ...byType(
    ['enable_backups', 'reboot', 'power_on', 'resize', 'rename', 'enable_ipv6', 'snapshot'],
    [
      'disable_backups',
      'change_backup_policy',
      'power_cycle',
      'shutdown',
      'power_off',
      'restore',
      'password_reset',
      'rebuild',
      'change_kernel',
    ],
  ),
  { path: 'body.type', equals: 'password_reset', adds: ['admin'] },
  // A disk that was resized does not go back.
  { path: 'body.disk', noneOf: [false], adds: ['destructive'] },
]

const addressActions = byType(['assign'], ['unassign'])
const byTag: Condition = { widens: 'every droplet that has the tag' }
const withAssociated: Condition = {
  widens: 'volumes, snapshots, load balancers and addresses of other projects that hang on it',
}

const appSpec: readonly Condition[] = [
  {
    path: 'body.spec.databases.*.cluster_name',
    widens: 'a database cluster of the account that is named, and not located',
  },
  {
    path: 'body.spec.domains.*.zone',
    widens: 'a domain of the account that is named, and not located',
  },
  // Where requests for that name go.
  { path: 'body.spec.domains.*', adds: ['admin'] },
]

const nodePool: readonly Condition[] = [
  ...tags('body.tags'),
  { path: 'body.count', max: 0, adds: ['destructive'] },
  { path: 'body.max_nodes', max: 0, adds: ['destructive'] },
]

const spaces = (path: string): Condition => ({
  path,
  widens: 'a bucket of the account that is named, and not located',
})

export const conditions: Readonly<Record<string, readonly Condition[]>> = {
  dropletActions_post: dropletActions,
  dropletActions_post_byTag: [...dropletActions, byTag],
  droplets_destroy_byTag: [byTag],
  droplets_create: tags('body.tags'),
  droplets_destroy_withAssociatedResourcesDangerous: [withAssociated],
  droplets_destroy_retryWithAssociatedResources: [withAssociated],
  kubernetes_destroy_associatedResourcesDangerous: [withAssociated],
  autoscalepools_create: tags('body.droplet_template.tags'),
  autoscalepools_update: [
    ...tags('body.droplet_template.tags'),
    { path: 'body.config.target_number_instances', max: 0, adds: ['destructive'] },
    { path: 'body.config.max_instances', max: 0, adds: ['destructive'] },
  ],
  imageActions_post: byType(['convert', 'transfer'], []),
  volumeActions_post: byType(['attach', 'resize'], ['detach']),
  volumeActions_post_byId: byType(['attach', 'resize'], ['detach']),
  reservedIPsActions_post: addressActions,
  reservedIPv6Actions_post: addressActions,
  floatingIPsAction_post: addressActions,
  nfs_create_action: byType(
    ['resize', 'snapshot', 'attach', 'switch_performance_tier'],
    ['detach', 'reassign'],
  ),

  apps_create: appSpec,
  // It looks an app up by name, whatever the path says.
  apps_get: [{ path: 'name', widens: 'an app of the account that is named, and not located' }],
  apps_update: appSpec,

  databases_create_cluster: [
    {
      path: 'body.backup_restore',
      widens: 'the backups of a cluster that is named, and not located',
    },
  ],
  databases_update_evictionPolicy: [
    { path: 'body.eviction_policy', noneOf: ['noeviction'], adds: ['destructive'] },
  ],
  // A shorter retention deletes.
  databases_update_kafka_topic: [
    { path: 'body.config.retention_ms', adds: ['destructive'] },
    { path: 'body.config.retention_bytes', adds: ['destructive'] },
    { path: 'body.config.cleanup_policy', adds: ['destructive'] },
    { path: 'body.config.delete_retention_ms', adds: ['destructive'] },
  ],

  kubernetes_create_cluster: tags('body.tags', 'body.node_pools.*.tags'),
  kubernetes_update_cluster: [
    ...tags('body.tags'),
    // Who may reach the cluster, and who may sign in to it.
    { path: 'body.control_plane_firewall', adds: ['admin'] },
    { path: 'body.sso', adds: ['admin'] },
  ],
  kubernetes_add_nodePool: nodePool,
  kubernetes_update_nodePool: nodePool,

  firewalls_create: tags('body.tags'),
  firewalls_update: tags('body.tags'),
  firewalls_add_tags: tags('body.tags'),
  firewalls_delete_tags: tags('body.tags'),
  loadBalancers_create: [...tags('body.tag'), { path: 'body.firewall', adds: ['admin'] }],
  loadBalancers_update: [...tags('body.tag'), { path: 'body.firewall', adds: ['admin'] }],

  projects_update: [unless('body.is_default', [false], 'what everybody creates without a project')],
  projects_patch: [unless('body.is_default', [false], 'what everybody creates without a project')],
  vpcs_update: [unless('body.default', [false], 'what everybody creates in its region')],
  vpcs_patch: [unless('body.default', [false], 'what everybody creates in its region')],

  genai_attach_agent_function: [
    {
      path: 'body.faas_namespace',
      widens: 'a function of the account that is named, and not located',
    },
  ],
  genai_update_agent_function: [
    {
      path: 'body.faas_namespace',
      widens: 'a function of the account that is named, and not located',
    },
  ],
  genai_create_knowledge_base: [spaces('body.datasources.*.spaces_data_source')],
  genai_create_knowledge_base_data_source: [spaces('body.spaces_data_source')],
}

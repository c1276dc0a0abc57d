/**
 * What a person is told before something of DigitalOcean's is destroyed. A droplet's own backups and a cluster's are
 * deleted with it; snapshots, of droplets and of volumes, stay until somebody deletes them.
 */
import type { FactRules, Field, ListRule, ObjectRule } from '../facts/rule.ts'

const created = { label: 'created', at: 'created_at', as: 'time' } as const
const gigabytes: Field = { label: 'size', at: 'size_gigabytes', unit: 'GB' }

/** Fields of what the answer has under a key of its own. */
function under(key: string, fields: readonly Field[]): readonly Field[] {
  return fields.map((field) => ({ ...field, at: `${key}.${field.at}` }))
}

const destroysDroplet = [
  'droplets_destroy',
  'droplets_destroy_withAssociatedResourcesDangerous',
  'droplets_destroy_withAssociatedResourcesSelective',
  'droplets_destroy_retryWithAssociatedResources',
]
/** They destroy what hangs on it as well, or some of it, and snapshots may be among that. */
const withAssociated = destroysDroplet.slice(1)
const changesDroplet = ['dropletActions_post']
const destroysCluster = ['databases_destroy_cluster']
/** They destroy something inside of a cluster; its backups stay. */
const insideCluster = [
  'databases_delete',
  'databases_delete_kafka_topic',
  'databases_delete_opensearch_index',
]
const destroysVolume = ['volumes_delete']
const destroysSnapshot = ['snapshots_delete', 'volumeSnapshots_delete_byId']
const destroysKubernetes = [
  'kubernetes_delete_cluster',
  'kubernetes_destroy_associatedResourcesDangerous',
  'kubernetes_destroy_associatedResourcesSelective',
]

const paged = { per_page: '200' }
const made = { at: 'created_at', as: 'time' } as const

const dropletSnapshots: Omit<ListRule, 'of' | 'what'> = {
  is: 'list',
  ask: { operation: 'droplets_list_snapshots', arguments: paged },
  items: 'snapshots',
  name: 'name',
  made,
  fields: [gigabytes],
  more: 'links.pages.next',
}

const dropletBackups: Omit<ListRule, 'of' | 'what'> = {
  ...dropletSnapshots,
  ask: { operation: 'droplets_list_backups', arguments: paged },
  items: 'backups',
}

const clusterBackups: Omit<ListRule, 'of' | 'what'> = {
  is: 'list',
  ask: { operation: 'databases_list_backups' },
  items: 'backups',
  made,
  fields: [gigabytes],
}

/** What hangs on a droplet, or on a cluster of Kubernetes. */
function associated(
  of: readonly string[],
  operation: string,
  lists: Readonly<Record<string, string>>,
): readonly ListRule[] {
  return Object.entries(lists).map(([items, what]) => ({
    is: 'list',
    of,
    what,
    ask: { operation },
    items,
    name: 'name',
  }))
}

const cluster: ObjectRule = {
  is: 'object',
  of: [...destroysCluster, ...insideCluster],
  what: 'Database cluster',
  ask: {
    operation: 'databases_get_cluster',
    same: { at: 'database.id', is: '{database_cluster_uuid}' },
  },
  name: 'database.name',
  kind: 'database',
  fields: under('database', [
    { label: 'engine', at: 'engine' },
    { label: 'version', at: 'version' },
    { label: 'status', at: 'status' },
    { label: 'nodes', at: 'num_nodes' },
    { label: 'size of a node', at: 'size' },
    { label: 'region', at: 'region' },
    { label: 'databases', at: 'db_names.*' },
    created,
  ]),
}

export const facts: FactRules = {
  rules: [
    {
      is: 'object',
      of: [...destroysDroplet, ...changesDroplet],
      what: 'Droplet',
      ask: { operation: 'droplets_get', same: { at: 'droplet.id', is: '{droplet_id}' } },
      name: 'droplet.name',
      kind: 'droplet',
      fields: under('droplet', [
        { label: 'status', at: 'status' },
        { label: 'disk', at: 'disk', unit: 'GB' },
        { label: 'memory', at: 'memory', unit: 'MB' },
        { label: 'region', at: 'region.slug' },
        created,
        { label: 'attached volumes', at: 'volume_ids.*' },
        { label: 'tags', at: 'tags.*' },
      ]),
    },
    { ...dropletBackups, of: destroysDroplet, what: 'Backups that die with it', backups: 'die' },
    {
      ...dropletSnapshots,
      of: ['droplets_destroy'],
      what: 'Snapshots that survive it',
      backups: 'independent',
    },
    {
      ...dropletSnapshots,
      of: changesDroplet,
      what: 'Snapshots, which stay',
      backups: 'independent',
    },
    { ...dropletBackups, of: changesDroplet, what: 'Backups of it' },
    ...associated(withAssociated, 'droplets_list_associatedResources', {
      volumes: 'Volumes that hang on it',
      volume_snapshots: 'Snapshots of those volumes',
      snapshots: 'Its own snapshots',
      reserved_ips: 'Reserved addresses',
      floating_ips: 'Floating addresses',
    }),
    {
      is: 'object',
      of: destroysVolume,
      what: 'Volume',
      ask: { operation: 'volumes_get', same: { at: 'volume.id', is: '{volume_id}' } },
      name: 'volume.name',
      kind: 'volume',
      fields: under('volume', [
        gigabytes,
        { label: 'region', at: 'region.slug' },
        { label: 'attached to droplets', at: 'droplet_ids.*' },
        { label: 'file system', at: 'filesystem_type' },
        created,
      ]),
    },
    {
      is: 'list',
      of: destroysVolume,
      what: 'Snapshots that survive it',
      ask: { operation: 'volumeSnapshots_list', arguments: paged },
      items: 'snapshots',
      // One of another volume would be no backup of this one.
      only: [{ at: 'resource_id', is: '{volume_id}' }],
      name: 'name',
      made,
      fields: [gigabytes],
      more: 'links.pages.next',
      backups: 'independent',
    },
    cluster,
    { ...clusterBackups, of: destroysCluster, what: 'Backups that die with it', backups: 'die' },
    { ...clusterBackups, of: insideCluster, what: 'Backups of the cluster', backups: 'survive' },
    {
      is: 'object',
      of: destroysSnapshot,
      what: 'Snapshot',
      ask: { operation: 'snapshots_get', same: { at: 'snapshot.id', is: '{snapshot_id}' } },
      name: 'snapshot.name',
      kind: 'snapshot',
      fields: under('snapshot', [
        gigabytes,
        { label: 'of the', at: 'resource_type' },
        { label: 'with the id', at: 'resource_id' },
        { label: 'regions', at: 'regions.*' },
        created,
      ]),
    },
    {
      is: 'object',
      of: destroysKubernetes,
      what: 'Kubernetes cluster',
      ask: {
        operation: 'kubernetes_get_cluster',
        same: { at: 'kubernetes_cluster.id', is: '{cluster_id}' },
      },
      name: 'kubernetes_cluster.name',
      kind: 'kubernetes',
      fields: under('kubernetes_cluster', [
        { label: 'status', at: 'status.state' },
        { label: 'version', at: 'version' },
        { label: 'region', at: 'region' },
        { label: 'node pools', at: 'node_pools.*.name' },
        { label: 'nodes in each', at: 'node_pools.*.count' },
        created,
      ]),
    },
    ...associated(destroysKubernetes, 'kubernetes_list_associatedResources', {
      volumes: 'Volumes that hang on it',
      volume_snapshots: 'Snapshots of those volumes',
      load_balancers: 'Load balancers',
    }),
    {
      is: 'object',
      of: ['apps_delete'],
      what: 'App',
      ask: { operation: 'apps_get', same: { at: 'app.id', is: '{id}' } },
      name: 'app.spec.name',
      kind: 'app',
      fields: under('app', [
        { label: 'address', at: 'live_url' },
        { label: 'region', at: 'region.slug' },
        { label: 'deployed', at: 'last_deployment_active_at', as: 'time' },
        created,
      ]),
    },
    {
      is: 'list',
      of: ['domains_delete'],
      what: 'Records that are deleted with it',
      ask: { operation: 'domains_list_records', arguments: paged },
      items: 'domain_records',
      name: 'name',
      fields: [{ label: 'of type', at: 'type' }],
      more: 'links.pages.next',
    },
  ],
  dataless: [
    'domains_delete',
    'domains_delete_record',
    'databases_delete_connectionPool',
    'databases_delete_logsink',
    'databases_delete_onlineMigration',
    'databases_delete_user',
    'floatingIPs_delete',
  ],
}

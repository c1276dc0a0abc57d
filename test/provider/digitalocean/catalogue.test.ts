import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { explain } from '../../../src/provider/compile/compile.ts'
import { digitaloceanAdapter } from '../../../src/provider/digitalocean/adapter.ts'
import { readArchive } from '../../../src/provider/digitalocean/archive.ts'
import { compile, describe } from '../../../src/provider/digitalocean/compile.ts'
import { manifest } from '../../../src/provider/digitalocean/manifest.ts'
import { review } from '../../../src/provider/digitalocean/review.ts'
import { readCatalogue } from '../../../src/provider/rest/written.ts'

const adapter = digitaloceanAdapter()
const committed = readFileSync(
  new URL('../../../src/provider/digitalocean/catalogue.json', import.meta.url),
  'utf8',
)
const { operations } = readCatalogue(committed)
const archive = new URL(
  '../../../../shared/specs/digitalocean-openapi-specification.tar.gz',
  import.meta.url,
)
const skip = existsSync(archive) ? false : 'the description is not here'

test('the catalogue is what the description and the review compile to', { skip }, () => {
  const bytes = readFileSync(archive)
  assert.ok(committed === compile(bytes), 'compile it anew')
  const unreviewed = explain(describe(bytes), review).filter((one) => one.unreviewed !== undefined)
  assert.deepEqual(
    unreviewed.map((one) => one.operation.name),
    [],
  )
})

test('it has as many operations as the description has operationIds', { skip }, () => {
  const root = readArchive(readFileSync(archive)).get('specification/DigitalOcean-public.v2.yaml')
  const paths = (root ?? '').split(/^paths:$/m)[1]?.split(/^[a-z]+:$/m)[0] ?? ''
  const methods = paths.match(/^ {4}(?:get|put|post|delete|patch|head|options):$/gm) ?? []
  assert.equal(operations.length, methods.length)
})

test('every operation is there, and what is refused to everyone is answered elsewhere, or by name', () => {
  assert.equal(operations.length, 659)
  const denied = operations.filter((one) => one.denied !== undefined)
  assert.equal(denied.length, 16)
  for (const { name, path } of denied)
    assert.ok(name === 'volumeActions_post' || !path.startsWith('/v2/'), name)
})

const expected: Readonly<Record<string, string>> = {
  droplets_get: 'read',
  databases_get_cluster: 'read',
  databases_get_ca: 'read',
  kubernetes_get_cluster: 'read',
  droplets_create: 'write',
  apps_create_deployment: 'write',
  apps_update: 'write destructive',
  droplets_destroy: 'write destructive',
  volumes_delete: 'write destructive',
  snapshots_delete: 'write destructive',
  kubernetes_delete_node: 'write destructive',
  databases_promote_replica: 'write destructive',
  apps_create_rollback: 'write destructive',
  domains_create_record: 'write admin',
  databases_add_user: 'write admin',
  databases_update_firewall_rules: 'write destructive admin',
  firewalls_add_rules: 'write admin',
  databases_reset_auth: 'write destructive secret admin',
  kubernetes_get_kubeconfig: 'read secret',
  kubernetes_get_credentials: 'read secret',
  registry_get_dockerCredentials: 'write secret admin',
  apps_get_exec: 'write destructive secret admin',
  spacesKey_create: 'write secret admin',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, effects] of Object.entries(expected)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.equal(found.effects.join(' '), effects, name)
  }
})

/** Fields that are credentials by themselves: whoever has one needs nothing else. */
const bearers: Readonly<Record<string, readonly string[]>> = {
  apps_get_logs: ['live_url', '**.historic_urls'],
  apps_get_logs_active_deployment: ['live_url', '**.historic_urls'],
  apps_get_logs_active_deployment_aggregate: ['live_url', '**.historic_urls'],
  apps_get_logs_aggregate: ['live_url', '**.historic_urls'],
  apps_get_job_invocation_logs: ['live_url', '**.historic_urls'],
  apps_get_event_logs: ['live_url', '**.historic_urls'],
  apps_list_alerts: ['**.slack_webhooks'],
  uptime_list_alerts: ['**.slack'],
  addons_list: ['**.sso_url'],
  databases_get_cluster: ['**.uri', '**.password', '**.access_key'],
  databases_list_logsink: ['sinks.*.config.url', 'sinks.*.config.key'],
  functions_get_namespace: ['namespace.key'],
  functionsAccessKey_create: ['**.secret'],
  genai_get_agent: ['**.authorization', '**.secret_key'],
  genai_get_evaluation_dataset_download_url: ['**.download_url'],
  genai_get_indexing_job_details_signed_url: ['**.signed_url'],
  genai_create_evaluation_dataset_file_upload_presigned_urls: ['**.presigned_url'],
  kubernetes_get_credentials: ['**.client_key_data', '**.token'],
  registries_get_dockerCredentials: ['**.auth'],
}

test('what is a credential by itself comes back redacted', () => {
  for (const [name, fields] of Object.entries(bearers)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    const revealed = adapter.revealed?.({
      operation: name,
      effects: found.effects,
      added: [],
      scope: found.scope,
      arguments: {},
      resources: [],
      widens: [],
    })
    const paths = (revealed ?? []).map((path) => path.join('.'))
    for (const field of fields) assert.ok(paths.includes(field), `${name} ${field}`)
  }
})

test('the address that an app is served at is no credential', () => {
  const app = operations.find(({ name }) => name === 'apps_get')
  assert.ok(app !== undefined && !(app.reveals ?? []).some((path) => path.includes('live_url')))
})

test('an answer that is no JSON, and a credential whole, asks for the effect', () => {
  const found = adapter.find('kubernetes_get_kubeconfig')
  assert.ok(found !== undefined && found !== 'ambiguous' && found.effects.includes('secret'))
})

/** Names by which a field of an answer is likely to be an address that is signed, or a secret. */
const suspicious =
  /(?:^|_)(?:signed|presigned|download|historic|sso)_urls?$|webhook|^authorization$/

test('no field of the description that sounds signed is missing', { skip }, () => {
  const known = new Set(review.revealsAnywhere)
  const text = [...readArchive(readFileSync(archive)).entries()]
    .filter(([path]) => /responses|models/.test(path))
    .map(([, file]) => file)
    .join('\n')
  const names = new Set([...text.matchAll(/^\s+([a-z_]+):$/gm)].map(([, name = '']) => name))
  const missing = [...names].filter((name) => suspicious.test(name) && !known.has(name))
  assert.deepEqual(missing, [])
})

test('a GET is no write and anything else no read, but for what was reviewed', () => {
  const odd = operations.filter(({ method, effects }) => {
    return (method === 'GET') !== effects.startsWith('read')
  })
  assert.deepEqual(odd.map(({ name }) => name).toSorted(), [
    'apps_get_exec',
    'apps_get_exec_active_deployment',
    'apps_list_metrics_bandwidth_daily',
    'apps_validate_appSpec',
    'registries_get_dockerCredentials',
    'registry_get_dockerCredentials',
  ])
})

test('every kind of id that says where an operation is has a home, or is of the account', () => {
  const homeless = new Set<string>()
  for (const { ids = '' } of operations) {
    for (const id of ids.split(' ').filter((text) => text !== '')) {
      for (const kind of [id.split(':')[1], id.split(':')[3]])
        if (kind !== undefined && !Object.hasOwn(manifest.homes, kind)) homeless.add(kind)
    }
  }
  assert.deepEqual([...homeless].toSorted(), [
    'account',
    'addon',
    'alert_policy',
    'cdn_endpoint',
    'certificate',
    'dedicated_inference',
    'functions_namespace',
    'genai_account',
    'genai_key',
    'image_transfer',
    'inference_batch',
    'invoice',
    'log_destination',
    'log_sink',
    'nfs_access_point',
    'nfs_share',
    'nfs_snapshot',
    'partner_attachment',
    'registry',
    'reserved_ipv6',
    'security_scan',
    'security_suppression',
    'spaces_key',
    'ssh_key',
    'tag',
    'tagged_resource',
    'uptime_check',
    'vector_database_backup',
    'vpc_nat_gateway',
    'vpc_peering',
  ])
})

test('whatever could create something without a project says what it touches then', () => {
  const creating = operations.filter(({ name, body = '', ids = '', scope, denied }) => {
    if (denied !== undefined || scope !== 'environment') return false
    return /_create|_update$/.test(name) && body.split(' ').includes('project_id') && ids !== ''
  })
  assert.ok(creating.length > 8)
  for (const { name, ids = '' } of creating) {
    if (name === 'genai_update_agent' || name === 'genai_update_knowledge_base') continue
    assert.match(ids, /:default_project/, name)
  }
})

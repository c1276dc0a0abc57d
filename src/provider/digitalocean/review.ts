/** What was reviewed of DigitalOcean's operations by hand, each judgement with its reason. */
import type { Effect } from '../../core/operation.ts'
import type { Review } from '../compile/review.ts'
import { conditions } from './conditions.ts'
import { ids } from './ids.ts'

/** Served by inference hosts of their own, to which no credential of this provider is sent. */
const elsewhere = [
  'agentInference_create_chat_completion',
  'inference_cancel_batch',
  'inference_create_async_invoke',
  'inference_create_batch',
  'inference_create_batch_file',
  'inference_create_chat_completion',
  'inference_create_embedding',
  'inference_create_image',
  'inference_create_messages',
  'inference_create_response',
  'inference_get_batch',
  'inference_get_batch_results',
  'inference_list_batches',
  'inference_list_models',
  'inference_upload_batch_file',
]

/** Names of fields that are credentials wherever DigitalOcean answers them. */
const secrets = [
  'password',
  // The connection's own, with the password in it.
  'uri',
  'access_key',
  'secret_key',
  'api_key',
  'api_token',
  'datadog_api_key',
  'basic_auth_password',
  'auth',
  // A header that an agent's tools are called with.
  'authorization',
  // The key of a client's certificate is its way into a Kubernetes cluster.
  'client_key_data',
  'secret',
  'registry_credentials',
  'token',
  'refresh_token',
  'hf_token',
  // Of a private repository, with a token in it.
  'repo_clone_url',
  // Signed: whoever has one of these addresses reads or writes what is behind it, or is signed in.
  'download_url',
  'historic_urls',
  'presigned_url',
  'signed_url',
  'sso_url',
  // Slack's webhooks, whose addresses are all that it takes to post to a channel.
  'slack',
  'slack_webhooks',
  // Variables of an app, and a script that a droplet runs first: both are where people put secrets.
  'envs',
  'user_data',
]

/** Their answers are addresses, signed, at which the logs themselves are; of an app, it is where it is served. */
const logs = [
  'apps_get_event_logs',
  'apps_get_job_invocation_logs',
  'apps_get_logs',
  'apps_get_logs_active_deployment',
  'apps_get_logs_active_deployment_aggregate',
  'apps_get_logs_aggregate',
]

/** A shell inside of the app's containers: whoever has its address can do what the app can. */
const shell: readonly Effect[] = ['write', 'destructive', 'secret', 'admin']

/** What is created without a project goes to the default one, and so does what is replaced without it. */
const bodyProject = { at: 'body.project_id', kind: 'project', means: 'default_project' }
const templateProject = { ...bodyProject, at: 'body.droplet_template.project_id' }

export const review: Review = {
  source: 'digitalocean/openapi 2.0',
  ids,
  conditions,
  revealing: ['docker-credentials', 'bgp_auth_key', 'service_key'],
  governing: ['spaces', 'exec'],
  // A certificate authority's certificate is what clients are given; container registries decide nothing.
  harmless: ['ca', 'registries'],
  revealsAnywhere: secrets,
  // Found anywhere already; and a word at which a model stops is no credential.
  revealsNot: [...secrets, 'stop_token'],
  reveals: {
    ...Object.fromEntries(logs.map((name) => [name, ['live_url']])),
    // Addresses and keys of the places that logs are sent to; the address may hold a password.
    databases_list_logsink: ['sinks.*.config.url', 'sinks.*.config.key'],
    databases_create_logsink: ['sink.config.url', 'sink.config.key'],
    databases_get_logsink: ['config.url', 'config.key', 'sink.config.url', 'sink.config.key'],
    functions_get_namespace: ['namespace.key'],
    functions_create_namespace: ['namespace.key'],
    functions_list_namespaces: ['namespaces.*.key'],
  },
  effects: {
    apps_get_exec: shell,
    apps_get_exec_active_deployment: shell,
    // They replace the whole: what is left out is removed, with its data where it has some.
    apps_update: ['write', 'destructive'],
    loadBalancers_update: ['write', 'destructive'],
    firewalls_update: ['write', 'destructive', 'admin'],
    databases_update_firewall_rules: ['write', 'destructive', 'admin'],
    // They compute, and change nothing.
    apps_validate_appSpec: ['read'],
    apps_list_metrics_bandwidth_daily: ['read'],
    apps_validate_rollback: ['write'],
    // No way back.
    databases_update_major_version: ['write', 'destructive'],
    // It overwrites what the cluster holds.
    databases_update_onlineMigration: ['write', 'destructive'],
    // They send logs to somebody else.
    databases_create_logsink: ['write', 'admin'],
    databases_update_logsink: ['write', 'admin'],
    // Its scope says "update", and it reads; of all clusters, a credential.
    databases_get_cluster_metrics_credentials: ['read', 'secret'],
    // It asks for the permission that the operation whose status it says asked for.
    droplets_get_DestroyAssociatedResourcesStatus: ['read'],
    // They make a credential, for writing too.
    registry_get_dockerCredentials: ['write', 'secret', 'admin'],
    registries_get_dockerCredentials: ['write', 'secret', 'admin'],
    // They give the cluster's nodes the account's registry credentials, or take them.
    kubernetes_add_registry: ['write', 'admin'],
    kubernetes_add_registries: ['write', 'admin'],
    kubernetes_remove_registry: ['write', 'destructive', 'admin'],
    kubernetes_remove_registries: ['write', 'destructive', 'admin'],
    // Every node is replaced, with what it holds; a version does not go back.
    kubernetes_recycle_node_pool: ['write', 'destructive'],
    kubernetes_upgrade_cluster: ['write', 'destructive'],
    // What is installed has the rights of the cluster's administrator.
    oneClicks_install_kubernetes: ['write', 'admin'],
    // Public keys; they decide who gets into new droplets.
    sshKeys_list: ['read'],
    sshKeys_get: ['read'],
    sshKeys_create: ['write', 'admin'],
    sshKeys_update: ['write', 'admin'],
    sshKeys_delete: ['write', 'destructive', 'admin'],
    // They join two networks.
    vpcPeerings_create: ['write', 'admin'],
    vpcs_create_peerings: ['write', 'admin'],
  },
  denied: {
    ...Object.fromEntries(elsewhere.map((name) => [name, 'it is answered on another host'])),
    // The volume is named by a text that any project may use.
    volumeActions_post: "it names its volume by name; use the volume's own actions",
  },
  // Ids of theirs are located, and what they change belongs to no project.
  account: [
    'addons_create',
    'cdn_create_endpoint',
    'dedicatedInferences_create',
    'genai_create_workspace',
    'genai_run_evaluation_test_case',
    'images_post_account_transfer_accept',
    'images_post_account_transfer_cancel',
    'images_post_account_transfer_create',
    'images_post_account_transfer_decline',
    'monitoring_create_destination',
    'monitoring_create_sink',
    'nfs_create',
    'partnerAttachments_create',
    'projects_assign_resources_default',
    'security_create_suppression',
    'vpcnatgateways_create',
  ],
  absent: {
    apps_create: bodyProject,
    autoscalepools_create: templateProject,
    autoscalepools_update: templateProject,
    databases_create_cluster: bodyProject,
    domains_create: bodyProject,
    droplets_create: bodyProject,
    floatingIPs_create: bodyProject,
    genai_create_agent: bodyProject,
    genai_create_knowledge_base: bodyProject,
    kubernetes_create_cluster: bodyProject,
    loadBalancers_create: bodyProject,
    loadBalancers_update: bodyProject,
    reservedIPs_create: bodyProject,
    vectorDatabases_create: bodyProject,
    vectorDatabases_update: bodyProject,
    volumes_create: bodyProject,
  },
}

/**
 * What a person is told before something of a cluster is deleted. Kubernetes itself keeps no backups: whether the data of
 * a claim outlives it is for its class's reclaim policy, which is of the cluster and not asked.
 */
import type { FactRules, Field, ListRule, ObjectRule } from '../facts/rule.ts'

const created: Field = { label: 'created', at: 'metadata.creationTimestamp', as: 'time' }

const claim: readonly Field[] = [
  { label: 'asked for', at: 'spec.resources.requests.storage' },
  { label: 'capacity', at: 'status.capacity.storage' },
  { label: 'status', at: 'status.phase' },
  { label: 'class', at: 'spec.storageClassName' },
  { label: 'volume', at: 'spec.volumeName' },
]

const replicas: readonly Field[] = [
  { label: 'replicas', at: 'spec.replicas' },
  { label: 'ready', at: 'status.readyReplicas' },
  { label: 'images', at: 'spec.template.spec.containers.*.image' },
]

function object(resource: string, what: string, fields: readonly Field[]): ObjectRule {
  return {
    is: 'object',
    of: [`${resource}/delete`],
    what,
    ask: { operation: `${resource}/get`, same: { at: 'metadata.name', is: '{name}' } },
    name: 'metadata.name',
    fields: [...fields, created],
  }
}

/** Those that a collection's deletion names by its selectors. */
function collection(resource: string, what: string, fields: readonly Field[] = []): ListRule {
  return {
    is: 'list',
    of: [`${resource}/deletecollection`],
    what,
    ask: {
      operation: `${resource}/list`,
      arguments: {
        labelSelector: '{labelSelector}',
        fieldSelector: '{fieldSelector}',
        limit: '500',
      },
    },
    items: 'items',
    name: 'metadata.name',
    fields,
    more: 'metadata.continue',
  }
}

function inNamespace(resource: string, what: string, fields: readonly Field[] = []): ListRule {
  return {
    ...collection(resource, what, fields),
    of: ['core.v1.namespaces/delete'],
    ask: { operation: `${resource}/list`, arguments: { namespace: '{name}', limit: '500' } },
  }
}

export const facts: FactRules = {
  rules: [
    {
      ...object('core.v1.namespaces', 'Namespace', [{ label: 'status', at: 'status.phase' }]),
      kind: 'namespace',
    },
    inNamespace(
      'core.v1.persistentvolumeclaims',
      'Volume claims deleted with it',
      claim.slice(0, 1),
    ),
    inNamespace('apps.v1.deployments', 'Deployments deleted with it'),
    inNamespace('apps.v1.statefulsets', 'Stateful sets deleted with it'),
    inNamespace('batch.v1.cronjobs', 'Cron jobs deleted with it'),
    inNamespace('core.v1.services', 'Services deleted with it'),
    inNamespace('core.v1.pods', 'Pods deleted with it'),
    object('core.v1.persistentvolumeclaims', 'Volume claim', claim),
    collection('core.v1.persistentvolumeclaims', 'Volume claims that are deleted', claim),
    object('apps.v1.deployments', 'Deployment', replicas),
    collection('apps.v1.deployments', 'Deployments that are deleted', replicas.slice(0, 1)),
    object('apps.v1.statefulsets', 'Stateful set', replicas),
    collection('apps.v1.statefulsets', 'Stateful sets that are deleted', replicas.slice(0, 1)),
    object('apps.v1.daemonsets', 'Daemon set', [
      { label: 'pods', at: 'status.currentNumberScheduled' },
      { label: 'images', at: 'spec.template.spec.containers.*.image' },
    ]),
    object('core.v1.pods', 'Pod', [
      { label: 'status', at: 'status.phase' },
      { label: 'images', at: 'spec.containers.*.image' },
      { label: 'owned by', at: 'metadata.ownerReferences.*.name' },
    ]),
    collection('core.v1.pods', 'Pods that are deleted'),
    object('core.v1.services', 'Service', [
      { label: 'type', at: 'spec.type' },
      { label: 'ports', at: 'spec.ports.*.port' },
    ]),
    object('batch.v1.cronjobs', 'Cron job', [
      { label: 'schedule', at: 'spec.schedule' },
      { label: 'suspended', at: 'spec.suspend' },
    ]),
    object('batch.v1.jobs', 'Job', [{ label: 'active', at: 'status.active' }]),
  ],
}

/**
 * What arguments add. A pod's specification decides what its containers may do to the node and which credentials they
 * see, so that whoever may write a Deployment could do much more than that; it is looked at wherever it stands. The
 * members that are known to be harmless are listed, and not the dangerous ones: a later version's new member adds `admin`.
 * Kubernetes reads names of members with regard to case, so one spelling is enough.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect } from '../../core/operation.ts'
import type { RbacVerb, Route } from './route.ts'

/** Where a resource's objects hold the specification of a pod. */
export const podSpecs: Readonly<Record<string, string>> = {
  pods: 'body.spec',
  podtemplates: 'body.template.spec',
  daemonsets: 'body.spec.template.spec',
  deployments: 'body.spec.template.spec',
  jobs: 'body.spec.template.spec',
  replicasets: 'body.spec.template.spec',
  replicationcontrollers: 'body.spec.template.spec',
  statefulsets: 'body.spec.template.spec',
  cronjobs: 'body.spec.jobTemplate.spec.template.spec',
}

/** Directives of strategic merge patches that say an order, and change nothing else. */
const orders = ['containers', 'imagePullSecrets', 'initContainers', 'tolerations', 'volumes'].map(
  (list) => `$setElementOrder/${list}`,
)

/** Not among them: nodeName (passes the scheduler by), priority (evicts other namespaces' pods), runtimeClassName. */
const podMembers = [
  'activeDeadlineSeconds',
  'affinity',
  'automountServiceAccountToken',
  'containers',
  'dnsConfig',
  'dnsPolicy',
  'enableServiceLinks',
  'hostAliases',
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'hostname',
  'imagePullSecrets',
  'initContainers',
  'nodeSelector',
  'os',
  'readinessGates',
  'resources',
  'restartPolicy',
  'schedulerName',
  'schedulingGates',
  'securityContext',
  'serviceAccount',
  'serviceAccountName',
  'setHostnameAsFQDN',
  'shareProcessNamespace',
  'subdomain',
  'terminationGracePeriodSeconds',
  'tolerations',
  'topologySpreadConstraints',
  'volumes',
  ...orders,
]

/** Every other kind of volume is the node's, the network's or a driver's. */
const volumeMembers = [
  '$retainKeys',
  'configMap',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'name',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

const contextMembers = [
  'allowPrivilegeEscalation',
  'appArmorProfile',
  'capabilities',
  'fsGroup',
  'fsGroupChangePolicy',
  'privileged',
  'readOnlyRootFilesystem',
  'runAsGroup',
  'runAsNonRoot',
  'runAsUser',
  'seccompProfile',
  'supplementalGroups',
  'supplementalGroupsPolicy',
]

function securityContext(at: string): readonly Condition[] {
  return [
    { path: at, beyond: contextMembers, adds: ['admin'] },
    { path: `${at}.privileged`, noneOf: [false], adds: ['admin'] },
    { path: `${at}.capabilities.add.*`, noneOf: ['NET_BIND_SERVICE'], adds: ['admin'] },
    { path: `${at}.seccompProfile.type`, noneOf: ['RuntimeDefault'], adds: ['admin'] },
    { path: `${at}.appArmorProfile.type`, noneOf: ['RuntimeDefault'], adds: ['admin'] },
  ]
}

function podSpec(at: string): readonly Condition[] {
  return [
    { path: at, beyond: podMembers, adds: ['admin'] },
    ...['hostIPC', 'hostNetwork', 'hostPID', 'automountServiceAccountToken'].map(
      (member): Condition => ({ path: `${at}.${member}`, noneOf: [false], adds: ['admin'] }),
    ),
    // Another account of the namespace, with whatever it may do in the cluster.
    ...['serviceAccountName', 'serviceAccount'].map((member): Condition => ({
      path: `${at}.${member}`,
      noneOf: ['default', ''],
      adds: ['admin'],
    })),
    ...securityContext(`${at}.securityContext`),
    ...['containers', 'initContainers'].flatMap((list): readonly Condition[] => [
      ...securityContext(`${at}.${list}.*.securityContext`),
      { path: `${at}.${list}.*.ports.*.hostPort`, noneOf: [0], adds: ['admin'] },
      { path: `${at}.${list}.*.env.*.valueFrom.secretKeyRef`, adds: ['secret'] },
      { path: `${at}.${list}.*.envFrom.*.secretRef`, adds: ['secret'] },
    ]),
    { path: `${at}.volumes.*`, beyond: volumeMembers, adds: ['admin'] },
    { path: `${at}.volumes.*.secret`, adds: ['secret'] },
    { path: `${at}.volumes.*.projected.sources.*.secret`, adds: ['secret'] },
    // Tokens of service accounts, certificates of pods.
    {
      path: `${at}.volumes.*.projected.sources.*`,
      beyond: ['configMap', 'downwardAPI', 'secret'],
      adds: ['secret', 'admin'],
    },
  ]
}

const replicated = new Set(['deployments', 'replicasets', 'replicationcontrollers', 'statefulsets'])

/** Types of Secrets that grant nothing by themselves; the rest make Kubernetes mint or accept a token. */
const plainSecrets = [
  'Opaque',
  'helm.sh/release.v1',
  'kubernetes.io/basic-auth',
  'kubernetes.io/dockercfg',
  'kubernetes.io/dockerconfigjson',
  'kubernetes.io/ssh-auth',
  'kubernetes.io/tls',
]

const zeroIsDestructive = (path: string): Condition => ({ path, max: 0, adds: ['destructive'] })

function byResource(verb: RbacVerb, { resource = '', subresource }: Route): readonly Condition[] {
  const changes = verb === 'update' || verb === 'patch'
  if (subresource === 'scale' && changes) {
    return [
      zeroIsDestructive('body.spec.replicas'),
      // Left out, or taken away by a patch, the number of replicas is zero.
      { path: 'body', lacks: 'spec', adds: ['destructive'] },
      { path: 'body.spec', equals: null, adds: ['destructive'] },
      { path: 'body.spec', lacks: 'replicas', adds: ['destructive'] },
    ]
  }
  if (subresource !== undefined) return []
  const found: Condition[] = []
  const spec = podSpecs[resource]
  if (spec !== undefined) found.push(...podSpec(spec))
  if (replicated.has(resource) && changes) found.push(zeroIsDestructive('body.spec.replicas'))
  switch (resource) {
    case 'pods':
      // A deadline that has passed ends the pod.
      if (changes) found.push({ path: 'body.spec.activeDeadlineSeconds', adds: ['destructive'] })
      break
    case 'jobs':
      if (changes) {
        found.push(
          // The pods of a suspended job are deleted.
          { path: 'body.spec.suspend', noneOf: [false], adds: ['destructive'] },
          { path: 'body.spec.activeDeadlineSeconds', adds: ['destructive'] },
          zeroIsDestructive('body.spec.parallelism'),
          zeroIsDestructive('body.spec.ttlSecondsAfterFinished'),
        )
      }
      break
    case 'statefulsets':
      // Volumes that go with the replicas.
      found.push({
        path: 'body.spec.persistentVolumeClaimRetentionPolicy.*',
        noneOf: ['Retain'],
        adds: ['destructive'],
      })
      break
    case 'horizontalpodautoscalers':
      found.push(zeroIsDestructive('body.spec.minReplicas'))
      break
    case 'persistentvolumeclaims':
      // What keeps a volume that is in use is a finalizer; a PUT without it takes it away.
      if (verb === 'update') {
        found.push(
          { path: 'body', lacks: 'metadata', adds: ['destructive'] },
          { path: 'body.metadata', lacks: 'finalizers', adds: ['destructive'] },
        )
      }
      break
    case 'secrets':
      found.push({ path: 'body.type', noneOf: plainSecrets, adds: ['admin'] })
      break
    case 'services':
      // To the outside, or away from the pods that it is about (CVE-2020-8554).
      found.push(
        { path: 'body.spec.type', noneOf: ['ClusterIP'], adds: ['admin'] },
        ...['externalIPs', 'externalName', 'loadBalancerIP'].map((member): Condition => ({
          path: `body.spec.${member}`,
          adds: ['admin'],
        })),
      )
      break
    case 'resourceclaims':
    case 'resourceclaimtemplates': {
      // Devices that are another's.
      const claim = resource === 'resourceclaims' ? 'body.spec' : 'body.spec.spec'
      for (const at of ['adminAccess', 'exactly.adminAccess', 'firstAvailable.*.adminAccess'])
        found.push({ path: `${claim}.devices.requests.*.${at}`, noneOf: [false], adds: ['admin'] })
    }
  }
  return found
}

/** Ways to make the server delete an object, or a part of it, that are not called so. */
const removals: readonly Condition[] = [
  // The garbage collector deletes what belongs to an owner that is not there.
  { path: 'body.metadata.ownerReferences', adds: ['destructive'] },
  { path: 'body.metadata.finalizers', adds: ['destructive'] },
]
const patchRemovals: readonly Condition[] = [
  { path: 'body.metadata', equals: null, adds: ['destructive'] },
  // Directives of strategic merge patches, where they can empty an object's metadata or its specification.
  ...['body', 'body.*'].flatMap((at) =>
    ['$patch', '$retainKeys'].map((directive): Condition => ({
      path: `${at}.${directive}`,
      adds: ['destructive'],
    })),
  ),
  { path: 'body.metadata.$deleteFromPrimitiveList/finalizers', adds: ['destructive'] },
  // Server-side apply that takes fields from another manager's hands.
  { path: 'force', equals: true, adds: ['destructive'] },
]

export function conditionsOf(verb: RbacVerb, route: Route): readonly Condition[] {
  const { subresource = '' } = route
  if (route.resource === undefined || subresource.startsWith('proxy')) return []
  switch (verb) {
    case 'create':
      return byResource(verb, route)
    case 'update':
      return [...byResource(verb, route), ...removals]
    case 'patch': {
      const own = [...byResource(verb, route), ...removals, ...patchRemovals]
      const all = [...new Set(own.flatMap((condition) => condition.adds ?? []))]
      return [...own, jsonPatch(all)]
    }
    case 'delete':
    case 'deletecollection':
      return ['', 'body.'].map((at) => ({
        path: `${at}ignoreStoreReadErrorWithClusterBreakingPotential`,
        noneOf: [false],
        adds: ['admin'],
      }))
    default:
      return []
  }
}

/** RFC 6902: its operations name what they change by pointers, so that each could be any of what the others add. */
function jsonPatch(adds: readonly Effect[]): Condition {
  return { path: 'body.*.path', adds }
}

/**
 * Effects, from the verb that RBAC has for a request and from what the resource is. The verb alone says too little: a
 * GET of `exec` runs a command, a PATCH of a Secret answers with the Secret, and a status is what controllers believe.
 */
import type { Effect } from '../../core/operation.ts'
import type { RbacVerb, Route } from './route.ts'

/** They lead into a running container, or to whatever listens there: nothing of what they carry is Kubernetes'. */
const connections = new Set(['exec', 'attach', 'portforward', 'proxy', 'proxy.path'])

/** Questions that are POSTs: nothing is stored. */
const reviews = new Set([
  'selfsubjectaccessreviews',
  'selfsubjectreviews',
  'selfsubjectrulesreviews',
  'localsubjectaccessreviews',
  'subjectaccessreviews',
])

/** In a namespace, what decides who may do what, who reaches whom, and how much there may be. */
const governing = new Set([
  'bindings',
  // A rollback runs what stands in a revision.
  'controllerrevisions',
  // Traffic of this namespace, or of another, can be led elsewhere by them (CVE-2021-25740).
  'endpoints',
  'endpointslices',
  // Annotations configure the controller, which serves all namespaces (CVE-2021-25742).
  'ingresses',
  'limitranges',
  'localsubjectaccessreviews',
  'networkpolicies',
  'podcertificaterequests',
  'resourcequotas',
  'rolebindings',
  'roles',
  'serviceaccounts',
])

/** `status`: what controllers and kubelets say, which others act on (CVE-2020-8554 was open through a Service's). */
const governingSubresources = new Set([
  'approval',
  'binding',
  'ephemeralcontainers',
  'finalize',
  'status',
  'token',
])

/** Each rule adds; the base effect comes first. */
export function effectsOf(verb: RbacVerb, route: Route): readonly Effect[] {
  const { group, resource = '', subresource = '', namespaced } = route
  if (connections.has(subresource)) return ['write', 'destructive', 'secret', 'admin']
  if (reviews.has(resource)) return ['read']
  // It answers whose a token is.
  if (resource === 'tokenreviews') return ['read', 'secret']

  const reads = verb === 'get' || verb === 'list' || verb === 'list-all' || verb === 'discover'
  const added: Effect[] = [reads ? 'read' : 'write']
  if (verb === 'delete' || verb === 'deletecollection') added.push('destructive')
  // An eviction deletes the pod; without its finalizers an object goes before it was cleaned up after.
  if (subresource === 'eviction' || subresource === 'finalize') added.push('destructive')
  // Writes and deletions answer with the object, so that they reveal what a read reveals.
  if (resource === 'secrets') added.push('secret')
  if (subresource === 'token' || resource === 'podcertificaterequests') added.push('secret')
  // Its container stands among the others of the pod, and sees what they have mounted.
  if (subresource === 'ephemeralcontainers' && !reads) added.push('secret')
  // What a resource is that others defined, nobody here can tell: it may hold a credential, or make a controller act.
  if (group === 'custom') added.push('secret')
  const governs =
    !namespaced ||
    group === 'custom' ||
    governing.has(resource) ||
    governingSubresources.has(subresource)
  if (governs && !reads) added.push('admin')
  return [...new Set(added)]
}

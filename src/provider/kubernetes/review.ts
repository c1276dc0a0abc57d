/**
 * The review of Kubernetes' API. It has a thousand operations and few ideas: the rules are in `effects`, `conditions` and
 * `parameters`, by verb and resource, and each is asked about every operation, so that none is left to be guessed.
 *
 * Judged to be a plain write: what a workload runs, with which arguments and variables. Whoever may change that runs code
 * with the workload's own service account and the Secrets that it already has; what it is given beyond them adds `admin`
 * or `secret`, by the conditions.
 *
 * Judged to be plain reads: ConfigMaps and environment variables written out in a pod's specification, which are where
 * Kubernetes says that credentials do not belong; and logs, which are what most agents are asked to look at, though a
 * workload may write its secrets there.
 */
import type { Described } from '../compile/described.ts'
import { readList } from '../compile/list.ts'
import type { IdRule, Review } from '../compile/review.ts'
import { conditionsOf, podSpecs } from './conditions.ts'
import { effectsOf } from './effects.ts'
import { bodyOf, parametersOf } from './parameters.ts'
import { nameOf, readRoute, verbOf, type RbacVerb, type Route } from './route.ts'

type Row = { readonly described: Described; readonly route: Route; readonly verb: RbacVerb }

/** `rows`: `[method, path, operation]`. */
export function readRows(rows: unknown): readonly Row[] {
  return readList(rows).map((listed) => {
    const route = readRoute(listed.path)
    // The list's own name says which lists are over all namespaces; a resource of the cluster has no other.
    const everywhere = /ForAllNamespaces(?:\/|$)/.test(listed.name)
    const verb = verbOf(listed.method, route, everywhere)
    const described: Described = {
      ...listed,
      name: nameOf(route, verb),
      parameters: parametersOf(verb, route),
      body: bodyOf(verb, route),
    }
    return { described, route, verb }
  })
}

const streams = new Set(['exec', 'attach', 'portforward'])
const streamed =
  'what passes through its stream is not the API’s, and nobody could decide about it; read logs, or change the workload'

export function reviewOf(rows: readonly Row[]): Review {
  const entries = <T>(of: (row: Row) => T | undefined): Record<string, T> =>
    Object.fromEntries(
      rows.flatMap((row) => {
        const value = of(row)
        return value === undefined ? [] : [[row.described.name, value] as const]
      }),
    )
  return {
    source: "kubernetes operations (Kubernetes' own client libraries)",
    effects: entries(({ verb, route }) => effectsOf(verb, route)),
    denied: entries(({ verb, route }) => {
      if (streams.has(route.subresource ?? '')) return streamed
      return verb === 'options' ? 'it says nothing that its other methods do not' : undefined
    }),
    sameAs: entries(({ verb, route }) => {
      if (verb === 'head') return nameOf(route, 'get')
      // The list has this one path twice.
      return verb === 'list-all' && route.group === 'custom' ? nameOf(route, 'list') : undefined
    }),
    // Which groups, versions and kinds there are, and the version of the server: what every client asks first.
    public: rows
      .filter(({ described }) => /^\/(?:apis?(?:\/|$)|version$)/.test(described.path))
      .filter(({ route }) => route.resource === undefined)
      .map(({ described }) => described.name),
    // The same of a group that the list does not know, and in the form of OpenAPI, by which kubectl checks what it sends.
    also: {
      'apis/discover': [
        '/apis/{group}',
        '/openapi/v2',
        '/openapi/v3',
        '/openapi/v3/{document|slashes}',
      ],
    },
    // What is of the cluster is refused whatever its arguments.
    conditions: entries(({ verb, route }) => {
      if (!route.namespaced && route.resource !== 'namespaces') return undefined
      const found = conditionsOf(verb, route)
      return found.length === 0 ? undefined : found
    }),
    ids: idRules(rows),
    slashParameters: rows
      .map(({ described }) => described.path)
      .filter((path) => path.endsWith('/{path}')),
  }
}

function idRules(rows: readonly Row[]): readonly IdRule[] {
  const target = (at: string, under: string): IdRule => ({ at, under, kind: 'namespace' })
  const namespaces = new Set<string>()
  const nested: IdRule[] = []
  for (const { described, route } of rows) {
    if (!route.namespaced || route.item) continue
    const { path } = described
    namespaces.add(path.slice(0, path.lastIndexOf('/') + 1))
    // A claim may be filled from a snapshot of another namespace, where that one allows it.
    const source = 'dataSourceRef.namespace'
    const { resource = '' } = route
    const spec = podSpecs[resource]
    if (described.method !== 'POST') continue
    if (resource === 'persistentvolumeclaims') nested.push(target(`body.spec.${source}`, path))
    if (resource === 'statefulsets')
      nested.push(target(`body.spec.volumeClaimTemplates.*.spec.${source}`, path))
    if (spec !== undefined)
      nested.push(target(`${spec}.volumes.*.ephemeral.volumeClaimTemplate.spec.${source}`, path))
  }
  const asking = '/apis/authorization.k8s.io/v1/self'
  return [
    target('name', '/api/v1/namespaces/{name}'),
    { at: 'namespace', kind: 'namespace' },
    // The server insists that it is the path's; here both are looked at.
    ...[...namespaces].map((under) => target('body.metadata.namespace', under)),
    ...nested,
    // What the credential itself may do there. Without a namespace it is a question about the cluster.
    target('body.spec.resourceAttributes.namespace', `${asking}subjectaccessreviews`),
    target('body.spec.namespace', `${asking}subjectrulesreviews`),
    // Of the cluster, or inside of what the path names before them.
    { at: 'name' },
    { at: 'group' },
    { at: 'logpath' },
  ]
}

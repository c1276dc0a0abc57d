/** The query's parameters and the body's members, by verb: Kubernetes' API conventions, the same for every resource. */
import type { DescribedBody, DescribedParameter, ParameterValue } from '../compile/described.ts'
import type { RbacVerb, Route } from './route.ts'

const listing = [
  'allowWatchBookmarks|boolean',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit|integer',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents|boolean',
  'timeoutSeconds|integer',
]
const writing = ['dryRun', 'fieldManager', 'fieldValidation']
const deleting = [
  'dryRun',
  'gracePeriodSeconds|integer',
  'ignoreStoreReadErrorWithClusterBreakingPotential|boolean',
  'orphanDependents|boolean',
  'propagationPolicy',
]
/** Not among them: insecureSkipTLSVerifyBackend, with which the answer may be somebody else's. */
const logs = [
  'container',
  'follow|boolean',
  'limitBytes|integer',
  'previous|boolean',
  'sinceSeconds|integer',
  'sinceTime',
  'stream',
  'tailLines|integer',
  'timestamps|boolean',
]

const byVerb: Readonly<Record<RbacVerb, readonly string[]>> = {
  get: ['includeObject', 'resourceVersion'],
  list: [...listing, 'includeObject', 'watch|boolean'],
  'list-all': [...listing, 'includeObject', 'watch|boolean'],
  create: writing,
  update: writing,
  patch: [...writing, 'force|boolean'],
  delete: deleting,
  deletecollection: [...listing, ...deleting],
  head: [],
  options: [],
  // kubectl asks for a description of the API by its hash.
  discover: ['hash'],
}

/** Undefined where any may come: what a connection leads to has parameters of its own. */
export function parametersOf(
  verb: RbacVerb,
  { subresource = '' }: Route,
): readonly DescribedParameter[] | undefined {
  if (subresource.startsWith('proxy')) return undefined
  // kubectl sends a timeout with whatever it asks.
  return [...(subresource === 'log' ? logs : byVerb[verb]), 'pretty', 'timeout'].map((text) => {
    const [name = '', type = 'string'] = text.split('|')
    return { name, in: 'query', type: type as ParameterValue }
  })
}

const deleteOptions = [
  'apiVersion',
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'kind',
  'orphanDependents',
  'preconditions',
  'propagationPolicy',
]

export function bodyOf(verb: RbacVerb, { subresource = '' }: Route): DescribedBody | undefined {
  const any: DescribedBody = { members: undefined, form: 'json', upload: [] }
  switch (verb) {
    case 'create':
    case 'update':
    case 'patch':
      return any
    case 'delete':
    case 'deletecollection':
      return subresource.startsWith('proxy') ? any : { ...any, members: deleteOptions }
    default:
      return undefined
  }
}

/**
 * What a path of the Kubernetes API is, read as its own server reads it: a group and version, perhaps a namespace, a
 * resource, perhaps an object, perhaps a subresource. The catalogue's names are made of it, one to one, with the verbs
 * that RBAC has for the methods: `apps.v1.deployments/delete`, `core.v1.pods.exec/create`.
 */

export type Route = {
  /** `apps.v1`, `core.v1`, `custom`; or the words of a path that is no resource's. */
  readonly group: string
  /** Undefined where the path is no resource's: `/version`, `/apis/apps`. */
  readonly resource: string | undefined
  /** `status`, `exec`, `proxy.path`. */
  readonly subresource: string | undefined
  readonly namespaced: boolean
  /** One object of the resource, and not the whole of them. */
  readonly item: boolean
}

const resourcePath =
  /^\/(?:api\/v1|apis\/([^/]+)\/([^/]+))(\/namespaces\/\{namespace\})?\/([a-z]+|\{plural\}|\{resource_plural\})(?:\/\{name\}((?:\/[a-z]+|\/\{path\})*))?$/

/** `path` as the list has it, without the `/` at its end. */
export function readRoute(path: string): Route {
  const match = resourcePath.exec(path)
  if (match === null) {
    const group = path.slice(1).split('/').map(plainWord).join('.')
    return { group, resource: undefined, subresource: undefined, namespaced: false, item: false }
  }
  const [, group, version, namespace, plural = '', rest = ''] = match
  const custom = group === '{group}'
  const words = rest
    .slice(1)
    .split('/')
    .map(plainWord)
    .filter((word) => word !== '')
  return {
    group: custom ? 'custom' : `${group ?? 'core'}.${version ?? 'v1'}`,
    resource: custom ? (namespace === undefined ? 'cluster' : 'namespaced') : plural,
    subresource: words.length === 0 ? undefined : words.join('.'),
    namespaced: namespace !== undefined,
    item: match[5] !== undefined,
  }
}

function plainWord(segment: string): string {
  return segment.replace(/[{}]/g, '').replace(/^\./, '')
}

export type RbacVerb =
  | 'get'
  | 'list'
  | 'list-all'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | 'head'
  | 'options'
  | 'discover'

/** RBAC's verb; `list-all` is a list over all namespaces, which RBAC tells apart by where the role is bound. */
export function verbOf(method: string, route: Route, everywhere: boolean): RbacVerb {
  switch (method) {
    case 'GET':
      if (route.resource === undefined) return 'discover'
      return route.item ? 'get' : everywhere ? 'list-all' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return route.item ? 'delete' : 'deletecollection'
    case 'HEAD':
      return 'head'
    case 'OPTIONS':
      return 'options'
  }
  throw new Error(`not a method of the list: ${method}`)
}

export function nameOf(route: Route, verb: RbacVerb): string {
  const { group, resource, subresource } = route
  return `${[group, resource, subresource].filter((part) => part !== undefined).join('.')}/${verb}`
}

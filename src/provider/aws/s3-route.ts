/**
 * Which operation of S3 a request is. Method and depth of the path leave several: the rest is said by parameters that
 * mark one (`?acl`, `?uploadId=…`) and by what an operation does not declare. A request that two operations could be, or
 * that has one parameter which its operation does not know, is none.
 */
import type { AwsOperation, Service } from './catalogue.ts'
import type { Member, Shape } from './shape.ts'

export type Depth = 'service' | 'bucket' | 'object'

export type Route = {
  readonly operation: AwsOperation
  /** Parameters that must be there: with this value, or with any where it is undefined. */
  readonly marks: ReadonlyMap<string, string | undefined>
  /** By the parameter's name on the wire. */
  readonly query: ReadonlyMap<string, Named>
  /** By the field's name in lower case. */
  readonly headers: ReadonlyMap<string, Named>
  /** The member that takes all fields `x-amz-meta-…`. */
  readonly metadata: string | undefined
  readonly payload: Named | undefined
}
export type Named = Member & { readonly name: string }

export type Routes = {
  readonly byDepth: ReadonlyMap<string, readonly Route[]>
  /** Every parameter that some operation knows. */
  readonly parameters: ReadonlyMap<string, 'string'>
}

export function s3Routes(service: Service): Routes {
  const byDepth = new Map<string, Route[]>()
  const parameters = new Map<string, 'string'>([['x-id', 'string']])
  for (const operation of service.operations.values()) {
    const [method = '', uri = ''] = (operation.http ?? '').split(' ')
    const [path = '', markText] = uri.split('?')
    const depth = depthOfTemplate(path)
    if (depth === undefined) continue
    const route = routeOf(operation, markText, service)
    for (const name of [...route.marks.keys(), ...route.query.keys()])
      parameters.set(name, 'string')
    const key = `${method} ${depth}`
    const routes = byDepth.get(key)
    if (routes === undefined) byDepth.set(key, [route])
    else routes.push(route)
  }
  return { byDepth, parameters }
}

function depthOfTemplate(path: string): Depth | undefined {
  switch (path) {
    case '/':
      return 'service'
    case '/{Bucket}':
      return 'bucket'
    case '/{Bucket}/{Key+}':
      return 'object'
    default:
      return undefined
  }
}

const noInput: Shape = { kind: 'structure', members: new Map(), byWire: new Map() }

function routeOf(
  operation: AwsOperation,
  markText: string | undefined,
  { shapes }: Service,
): Route {
  const input = operation.input === undefined ? noInput : shapes.get(operation.input)
  if (input?.kind !== 'structure') throw new Error(`${operation.name} has no input`)
  const members = [...input.members].map(([name, member]): Named => ({ name, ...member }))
  const query = new Map<string, Named>()
  const headers = new Map<string, Named>()
  const marks = new Map<string, string | undefined>()
  for (const mark of markText === undefined ? [] : markText.split('&')) {
    const [name = '', value = ''] = mark.split('=')
    marks.set(name, value)
  }
  for (const member of members) {
    const wire = member.wire ?? member.name
    if (member.location === 'query') {
      query.set(wire, member)
      if (member.required) marks.set(wire, undefined)
    }
    if (member.location === 'header') headers.set(wire.toLowerCase(), member)
  }
  return {
    operation,
    marks,
    query,
    headers,
    metadata: members.find(({ location }) => location === 'headers')?.name,
    payload: members.find(({ location }) => location === 'payload'),
  }
}

/** The one operation; undefined where there is none, or more than one. `query` without `x-id`. */
export function findRoute(
  routes: Routes,
  method: string,
  depth: Depth,
  query: ReadonlyMap<string, unknown>,
  headers: Readonly<Record<string, string>>,
): Route | undefined {
  const fitting = (routes.byDepth.get(`${method} ${depth}`) ?? []).filter(
    (route) =>
      [...route.marks].every(([name, value]) =>
        value === undefined ? query.has(name) && query.get(name) !== '' : query.get(name) === value,
      ) &&
      [...query.keys()].every((name) => route.marks.has(name) || route.query.has(name)) &&
      // A copy and an upload differ in this field alone.
      route.headers.has('x-amz-copy-source') === (headers['x-amz-copy-source'] !== undefined),
  )
  const most = Math.max(...fitting.map(({ marks }) => marks.size))
  const best = fitting.filter(({ marks }) => marks.size === most)
  // Two names of one request: the one that is refused to everyone is the older.
  const open = best.filter(({ operation }) => operation.denied === undefined)
  const [only, ...others] = open.length === 0 ? best : open
  return others.length === 0 ? only : undefined
}

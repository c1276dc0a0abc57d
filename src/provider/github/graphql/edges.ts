/**
 * The class of every field of GitHub's schema, worked out from the reviewed tables when it is asked for: six thousand
 * fields are not worth a map of their own.
 *
 * What holds connections, edges and payloads together says nothing by itself: they stay for what is known to be inside.
 * A field of an interface is as safe as it is in the least safe of the reviewed types behind it.
 */
import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql'
import type { EdgeClass, GraphqlCatalogue } from '../../graphql/catalogue.ts'
import { exceptions, inside, profiles, published } from './reviewed-edges.ts'

export type Edges = GraphqlCatalogue['edges']

/** By type, the fields that were named. */
function readTable(text: string): Map<string, ReadonlySet<string>> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [type = '', fields = ''] = line.split(' | ')
        return [type, new Set(fields.split(' ').filter((field) => field !== ''))]
      }),
  )
}

/** The form in which lists are paged: a connection's edges and nodes, an edge's node. */
const paging: ReadonlySet<string> = new Set(['edges', 'nodes', 'node', 'pageInfo'])
const pagingType = /(?:Connection|Edge)$/
const payloadType = /Payload$/

export function githubEdges(schema: GraphQLSchema): Edges {
  const bodies = readTable(inside + published)
  const people = readTable(profiles)
  const known = new Map<string, EdgeClass | undefined>()

  /** Whether something of this type may stand in what a mutation of a repository answers. */
  function reviewed(name: string): boolean {
    if (bodies.has(name) || people.has(name)) return true
    if (pagingType.test(name)) return true
    const type = schema.getType(name)
    if (type === undefined || !('getTypes' in type || isInterfaceType(type))) return false
    return schema.getPossibleTypes(type).some((one) => bodies.has(one.name) || people.has(one.name))
  }

  function ofObject(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): EdgeClass {
    const target = getNamedType(field.type)
    const person = people.get(type.name)
    if (person !== undefined) return person.has(field.name) ? 'stays' : 'widens'
    const leads = isCompositeType(target)
    const body = bodies.get(type.name)
    if (body !== undefined) return !leads || body.has(field.name) ? 'stays' : 'widens'
    if (pagingType.test(type.name)) return !leads || paging.has(field.name) ? 'stays' : 'widens'
    if (payloadType.test(type.name)) return !leads || reviewed(target.name) ? 'stays' : 'widens'
    return 'widens'
  }

  function classOf(edge: string): EdgeClass | undefined {
    const dot = edge.indexOf('.')
    const name = edge.slice(dot + 1)
    const type = schema.getType(edge.slice(0, dot))
    if (!isObjectType(type) && !isInterfaceType(type)) return undefined
    const field = type.getFields()[name]
    if (field === undefined) return undefined
    if (Object.hasOwn(exceptions, edge)) return exceptions[edge]
    if (isObjectType(type)) return ofObject(type, field)
    const classes = schema
      .getPossibleTypes(type)
      .filter((one) => bodies.has(one.name) || people.has(one.name))
      .map((one) => get(`${one.name}.${name}`))
    if (classes.includes('widens') || classes.length === 0) return 'widens'
    return classes.includes('secret') ? 'secret' : 'stays'
  }

  function get(edge: string): EdgeClass | undefined {
    if (known.has(edge)) return known.get(edge)
    const found = classOf(edge)
    known.set(edge, found)
    return found
  }

  return { get, has: (edge) => get(edge) !== undefined }
}

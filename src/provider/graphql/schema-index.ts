/**
 * A catalogue's schema as walks of documents ask it: of a type and a name the field, its class and where it leads, in one
 * step. Filled as types are asked for, by what the schema has alone: no request can make it larger than the schema.
 */
import {
  getNamedType,
  isCompositeType,
  isLeafType,
  isRequiredArgument,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql'
import type { EdgeClass, GraphqlCatalogue, RootField } from './catalogue.ts'

type Indexed = Pick<GraphqlCatalogue, 'schema' | 'edges' | 'roots'>

export class SchemaIndex {
  readonly schema: GraphQLSchema
  readonly #catalogue: Indexed
  readonly #types = new Map<GraphQLCompositeType, KnownType>()

  constructor(catalogue: Indexed) {
    this.schema = catalogue.schema
    this.#catalogue = catalogue
  }

  of(type: GraphQLCompositeType): KnownType {
    let known = this.#types.get(type)
    if (known === undefined) this.#types.set(type, (known = new KnownType(this, type)))
    return known
  }

  /** By `Type.field`. */
  edge(name: string): EdgeClass | undefined {
    return this.#catalogue.edges.get(name)
  }

  root(type: GraphQLCompositeType, field: string): RootField | undefined {
    if (type === this.schema.getQueryType()) return this.#catalogue.roots.get(`query.${field}`)
    if (type === this.schema.getMutationType())
      return this.#catalogue.roots.get(`mutation.${field}`)
    return undefined
  }
}

export class KnownType {
  readonly type: GraphQLCompositeType
  readonly #index: SchemaIndex
  readonly #fields = new Map<string, KnownField>()

  constructor(index: SchemaIndex, type: GraphQLCompositeType) {
    this.#index = index
    this.type = type
  }

  /** Undefined where the type has no such field; a union has none. */
  field(name: string): KnownField | undefined {
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const field = 'getFields' in this.type ? this.type.getFields()[name] : undefined
    if (field === undefined) return undefined
    const made = new KnownField(this.#index, this.type, field)
    this.#fields.set(field.name, made)
    return made
  }
}

export class KnownField {
  readonly field: GraphQLField<unknown, unknown>
  /** `Type.field`. */
  readonly name: string
  /** What the catalogue says of it where an operation begins with it. */
  readonly root: RootField | undefined
  /** Undefined where the catalogue does not list it. */
  readonly edge: EdgeClass | undefined
  /** Whether nothing can be selected below it. */
  readonly leaf: boolean
  /** How many of its arguments must be given. */
  readonly required: number
  readonly #index: SchemaIndex
  #next: KnownType | undefined

  constructor(
    index: SchemaIndex,
    type: GraphQLCompositeType,
    field: GraphQLField<unknown, unknown>,
  ) {
    this.#index = index
    this.field = field
    this.name = `${type.name}.${field.name}`
    this.edge = index.edge(this.name)
    this.root = index.root(type, field.name)
    this.leaf = isLeafType(getNamedType(field.type))
    this.required = field.args.filter(isRequiredArgument).length
  }

  /** What is selected from below it. */
  get next(): KnownType | undefined {
    if (this.#next !== undefined || this.leaf) return this.#next
    const type = getNamedType(this.field.type)
    return (this.#next = isCompositeType(type) ? this.#index.of(type) : undefined)
  }
}

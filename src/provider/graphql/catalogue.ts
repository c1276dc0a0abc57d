/**
 * What a GraphQL provider's reviewed catalogue says: of every root field its effects and which arguments name what; of
 * every other field of the schema whether selecting it stays inside, reaches outside, or reveals a secret. What it does
 * not list is denied, so that a field the provider adds tomorrow does nothing until someone has read it.
 */
import type { GraphQLSchema } from 'graphql'
import type { Condition } from '../../core/condition.ts'
import type {
  Effect,
  JsonValue,
  OperationScope,
  ResourceRef,
  ResourceRole,
} from '../../core/operation.ts'

export type Root = 'query' | 'mutation' | 'subscription'

/** An argument that carries an id. Lists on the way are walked; null and absent name nothing. */
export type IdArgument = {
  /** Into the arguments: `['input', 'environmentId']`. */
  readonly path: readonly string[]
  readonly kind: string
  /** `none`: reviewed, and it says nothing about what is touched (a filter inside the environment, a cursor). */
  readonly role: ResourceRole | 'none'
  /** Where the argument at this path is anything but absent, null or false, the id is a target whatever its role. */
  readonly targetWhen?: readonly string[]
}

/** An effect that these arguments add. */
export type AddedEffect = {
  readonly effect: Effect
  readonly path: readonly string[]
  /** `absent` is also null. `is` and `not` compare with a JSON literal; `not` also holds where it is absent. */
  readonly when: 'absent' | 'present' | { readonly is: JsonValue } | { readonly not: JsonValue }
}

/** What a payload of a custom scalar does, which the schema does not say. */
export type PayloadReading =
  | { readonly ok: true; readonly added: readonly Effect[]; readonly ids: readonly ResourceRef[] }
  | { readonly ok: false; readonly detail: string }

export type PayloadReader = (value: JsonValue | undefined, path: string) => PayloadReading

export type RootField = {
  readonly root: Root
  /** As the schema spells it. */
  readonly field: string
  /** As a verb spells it: `query:x` and `mutation:x` where a name exists twice. */
  readonly operation: string
  readonly effects: readonly Effect[]
  readonly scope: OperationScope
  /** Shipped denied: what it does, or what it touches, could not be told from the schema. */
  readonly denied: boolean
  readonly ids: readonly IdArgument[]
  readonly adds: readonly AddedEffect[]
  /** What the arguments change, in the form that REST and GraphQL share; beside `adds`. */
  readonly conditions?: readonly Condition[]
  readonly payload?: { readonly path: readonly string[]; readonly read: PayloadReader }
}

/** Selecting this field of this type: stays inside what the root field touches, reaches outside it, reveals a secret. */
export type EdgeClass = 'stays' | 'widens' | 'secret'

export type GraphqlCatalogue = {
  /** The provider's name for messages: `railway`. */
  readonly provider: string
  readonly schema: GraphQLSchema
  /** By `query.name`, `mutation.name`, `subscription.name`. */
  readonly roots: ReadonlyMap<string, RootField>
  /** By `Type.field`. */
  readonly edges: Pick<ReadonlyMap<string, EdgeClass>, 'get' | 'has'>
  /** The one path the endpoint answers on. */
  readonly path: string
  /** The largest body it reads, in bytes. */
  readonly bodyLimit: number
}

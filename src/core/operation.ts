/**
 * What a provider can do, and what one request would do with it. Pure data: adapters fill it in, `decide` reads it.
 */

export type JsonValue =
  null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }
export type JsonObject = { [key: string]: JsonValue }

/** Every operation has one base effect, `read` or `write`, and any of the rest. Unknown is never `read`. */
export type Effect = 'read' | 'write' | 'destructive' | 'secret' | 'admin'
export const effects: readonly Effect[] = ['read', 'write', 'destructive', 'secret', 'admin']
/** The effects that a grant's rule `destructive` asks a person about. */
export const graveEffects: readonly Effect[] = ['destructive', 'secret', 'admin']

export type BaseEffect = 'read' | 'write'

/**
 * Which role an id plays. A `target` touches every environment it lives in. A `container` (a project, a service that
 * spans environments) touches all of its environments, unless an `environment` argument narrows it.
 */
export type ResourceRole = 'target' | 'container' | 'environment'

/** One id that an invocation names. `path` says where in the arguments it stood, such as `input.environmentId`. */
export type ResourceRef = {
  readonly kind: string
  readonly id: string
  readonly role: ResourceRole
  readonly path: string
}

/**
 * `environment`: the ids say what it touches. `public`: reviewed metadata that belongs to nobody. `account`: it
 * touches the account as a whole, which no environment contains.
 */
export type OperationScope = 'environment' | 'public' | 'account'

/** One operation as it occurs in one request. */
export type Invocation = {
  /** The operation's name, unique within its provider: `volumeDelete`, `mutation:environmentChangeSetApply`, `repos/get`. */
  readonly operation: string
  /** Whether it belongs to the query, the mutation … : lets a verb say `query:x`. Absent for REST. */
  readonly root?: 'query' | 'mutation' | 'subscription'
  /** The operation's own effects, from the catalogue: exactly one of `read` and `write`, and any of the rest. */
  readonly effects: readonly Effect[]
  /** Effects that these arguments or selections add, which the operation's own name does not cover. */
  readonly added: readonly Effect[]
  readonly scope: OperationScope
  readonly arguments: JsonObject
  readonly resources: readonly ResourceRef[]
  /** What this invocation reaches that cannot be told to stay inside its environments, one sentence each. */
  readonly widens: readonly string[]
  /** Its body was not read (an upload): nobody can say what is in it, so nobody can approve it. */
  readonly opaque?: true
  /** GraphQL: the key of its answer under `data`, so that a credential minted in the answer can be found. */
  readonly responseKey?: string
  /** GraphQL: where in the answer, from the root, the fields stand that reveal a secret. Lists are not indexed. */
  readonly secretPaths?: readonly (readonly string[])[]
}

/**
 * Where something lives, in the provider's own terms: `<kind>:<id>` such as `environment:5e1a…` or
 * `repository:acme/app`. An environment of ours is bound to a set of places.
 */
export type Place = string

export function place(kind: string, id: string): Place {
  return `${kind}:${id}`
}

/** What `locate` found: the places an invocation touches, and what it could not establish (unknown is denied). */
export type Located = {
  readonly places: readonly Place[]
  readonly unresolved: readonly Unresolved[]
}

export type Unresolved = {
  readonly kind: string
  readonly id: string
  readonly why: UnresolvedReason
}
export type UnresolvedReason =
  | 'not_found'
  | 'lookup_failed'
  | 'view_incomplete'
  | 'outside_container'
  | 'no_resolver'
  | 'too_many'

/**
 * What a provider's description says of one operation, whatever it is written in. Only facts: names, methods, paths,
 * types; no sentence of the description is kept.
 */

export type ParameterValue = 'string' | 'integer' | 'boolean' | 'list'

export type DescribedParameter = {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly type: ParameterValue
}

export type Described = {
  /** Unique in its description. */
  readonly name: string
  /** Upper-case. */
  readonly method: string
  /** `/v2/droplets/{droplet_id}`. */
  readonly path: string
  /** Undefined where the description does not say: then any may come. */
  readonly parameters: readonly DescribedParameter[] | undefined
  readonly body: DescribedBody | undefined
  /** OAuth scopes or the provider's own permissions that it asks for. They may only ever add an effect. */
  readonly scopes: readonly string[]
  /** Where its successful answers hold fields named like credentials: paths from the root, `*` for lists. */
  readonly reveals: readonly (readonly string[])[]
}

export type DescribedBody = {
  /**
   * The members of an object that the body is, each as a dotted path with `*` for lists: `tags`, `volumes.*`, `rules.*.port`.
   * Undefined where the description does not say.
   */
  readonly members: readonly string[] | undefined
  readonly form: 'json' | 'form'
  /** Media types of bodies that are not read. */
  readonly upload: readonly string[]
}

/** Words of a name, lower-case: `droplets_destroy_byTag` → droplets, destroy, by, tag. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** The literal segments of a path, lower-case. */
export function literalsOf(path: string): readonly string[] {
  return path
    .split('/')
    .filter((segment) => segment !== '' && !segment.includes('{'))
    .map((segment) => segment.toLowerCase())
}

/** What the selections below a root field reach, by the class of each edge that they follow. */
import {
  Kind,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type SelectionSetNode,
} from 'graphql'
import type { KnownField, KnownType, SchemaIndex } from './schema-index.ts'

export type Reached = {
  /** Whether a field that reveals a secret is reached. */
  readonly secret: boolean
  /** Sentences, each once. */
  readonly widens: readonly string[]
  /** Where in the answer, from `data` down, the secret fields stand. */
  readonly secretPaths: readonly (readonly string[])[]
  /** The first field that the catalogue does not list, as `Type.field`. */
  readonly unclassified: string | undefined
}

/** Most roots reach nothing that is worth a word: they share this. */
const within: Reached = { secret: false, widens: [], secretPaths: [], unclassified: undefined }

/** Collects what the fields below one root field add up to. */
export class Reach {
  #widens: Set<string> | undefined
  #secretPaths: string[][] | undefined
  #unclassified: string | undefined

  /** `above` are the response keys from the root field's down to the place where `node` stands, under the key `key`. */
  meet(known: KnownField, node: FieldNode, key: string, above: readonly string[]): void {
    const { edge, field } = known
    if (edge === undefined) return this.meetUnclassified(known.name)
    if (edge === 'widens') this.#widen(`${known.name} reaches what is outside of the environment.`)
    // Ids are looked up where root fields take them; below, one would choose an object that nobody has looked at.
    if (node.arguments !== undefined)
      for (const arg of node.arguments) {
        const taken = field.args.find((one) => one.name === arg.name.value)
        if (taken !== undefined && takesId(taken.type))
          this.#widen(`${known.name} takes an id as ${taken.name}, which is not looked up.`)
      }
    if (edge === 'secret') (this.#secretPaths ??= []).push(['data', ...above, key])
  }

  /** `name` is `Type.field`. */
  meetUnclassified(name: string): void {
    this.#unclassified ??= name
  }

  #widen(sentence: string): void {
    this.#widens ??= new Set()
    this.#widens.add(sentence)
  }

  /** What was met since it was asked last. */
  found(): Reached {
    if (
      this.#widens === undefined &&
      this.#secretPaths === undefined &&
      this.#unclassified === undefined
    )
      return within
    const secretPaths = this.#secretPaths ?? []
    const reached = {
      secret: secretPaths.length > 0,
      widens: [...(this.#widens ?? [])],
      secretPaths,
      unclassified: this.#unclassified,
    }
    this.#widens = this.#secretPaths = this.#unclassified = undefined
    return reached
  }
}

/** For a document that is not plain: of one root field. Bounded by `exceedsExpansionLimits`. */
export function reachOf(
  index: SchemaIndex,
  node: FieldNode,
  root: KnownField,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Reached {
  const reach = new Reach()

  function walk(set: SelectionSetNode, place: KnownType, path: readonly string[]): void {
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FIELD) {
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection
        if (fragment === undefined) continue
        const condition = fragment.typeCondition?.name.value
        const narrowed = condition === undefined ? undefined : index.schema.getType(condition)
        walk(fragment.selectionSet, isCompositeType(narrowed) ? index.of(narrowed) : place, path)
        continue
      }
      const name = selection.name.value
      if (name === '__typename') continue
      const known = place.field(name)
      if (known === undefined || known.edge === undefined) {
        reach.meetUnclassified(`${place.type.name}.${name}`)
        continue
      }
      const key = selection.alias?.value ?? name
      reach.meet(known, selection, key, path)
      if (selection.selectionSet !== undefined && known.next !== undefined)
        walk(selection.selectionSet, known.next, [...path, key])
    }
  }

  if (node.selectionSet !== undefined && root.next !== undefined)
    walk(node.selectionSet, root.next, [node.alias?.value ?? node.name.value])
  return reach.found()
}

/** Whether an argument of this type can carry an id. Inputs that contain themselves are walked once. */
function takesId(type: GraphQLInputType, above: ReadonlySet<string> = new Set()): boolean {
  const named = getNamedType(type)
  if (!isInputObjectType(named)) return named.name === 'ID'
  if (above.has(named.name)) return false
  const within = new Set([...above, named.name])
  return Object.values(named.getFields()).some((field) => takesId(field.type, within))
}

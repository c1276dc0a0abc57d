/**
 * Whether an operation is plainly valid: what most documents are, told in one walk, at a small part of what graphql-js's
 * validation costs. It says yes only where that validation would say so too (a test compares them on random documents);
 * whatever is unusual, not only what is wrong, is a no, and is left to the validation itself, which also has the words.
 */
import {
  Kind,
  OperationTypeNode,
  isCompositeType,
  isRequiredArgument,
  doTypesOverlap,
  type ArgumentNode,
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import { documentLimits } from './limits.ts'
import { demand, readValue, readVariables, unusual, type Variables } from './plain-value.ts'
import { Reach, type Reached } from './reach.ts'
import { SchemaIndex, type KnownField, type KnownType } from './schema-index.ts'

/** The root fields of a plain operation in the order in which they stand. */
export type PlainRoots = {
  readonly roots: readonly {
    readonly node: FieldNode
    readonly known: KnownField
    /** What its selections reach. */
    readonly reached: Reached
  }[]
  /** With `__typename`. */
  readonly count: number
}

const none: readonly never[] = []

export function isPlain(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): boolean {
  return (
    plainRoots(
      new SchemaIndex({ schema, edges: new Map(), roots: new Map() }),
      operation,
      fragments,
    ) !== undefined
  )
}

/** Undefined where the operation is not plain. */
export function plainRoots(
  index: SchemaIndex,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): PlainRoots | undefined {
  const { schema } = index
  const root = schema.getRootType(operation.operation)
  if (root == null || operation.operation === OperationTypeNode.SUBSCRIPTION) return undefined
  if ((operation.directives?.length ?? 0) > 0) return undefined
  for (const fragment of fragments.values())
    if ((fragment.directives?.length ?? 0) > 0) return undefined
  // With a second operation, or a fragment that nothing spreads, the document is not what would run.
  try {
    const variables = readVariables(schema, operation)
    const walk = new Walk(index, fragments, variables)
    walk.root(operation.selectionSet, root)
    for (const { used } of variables.values()) if (!used) return undefined
    return walk.spread.size === fragments.size ? walk : undefined
  } catch (error) {
    if (error === unusual) return undefined
    throw error
  }
}

/** What stands under a response key, where the same may stand there again: a leaf without arguments. */
type Repeatable = KnownField | typeof typename
const typename = Symbol('__typename')

/** The response keys of one place of the answer. Most places have few, which a list finds faster. */
class Keys {
  readonly #first: string[] = []
  readonly #what: (Repeatable | undefined)[] = []
  #more: Map<string, Repeatable | undefined> | undefined
  #repeats = 0

  /** Whether what stands there already, if anything does, is the same. Anything else has to be compared with more care. */
  add(key: string, what: Repeatable | undefined): boolean {
    const at = this.#first.indexOf(key)
    if (at !== -1) return this.#repeat(what, this.#what[at])
    if (this.#first.length < 8) {
      this.#first.push(key)
      this.#what.push(what)
      return true
    }
    this.#more ??= new Map()
    if (this.#more.has(key)) return this.#repeat(what, this.#more.get(key))
    this.#more.set(key, what)
    return true
  }

  #repeat(what: Repeatable | undefined, before: Repeatable | undefined): boolean {
    return what !== undefined && what === before && ++this.#repeats < documentLimits.merged
  }
}

class Walk {
  readonly #index: SchemaIndex
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #variables: Variables
  readonly roots: PlainRoots['roots'][number][] = []
  count = 0
  /** The fragments that were met. */
  readonly spread = new Set<string>()
  /** Those that are being walked: one of them inside of itself has no end. */
  readonly #open = new Set<string>()
  /** The response keys from the root to where the walk is. */
  readonly #path: string[] = []
  /** What was found below the root field that is being walked. */
  readonly #reach = new Reach()
  #steps = 0

  constructor(
    index: SchemaIndex,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    variables: Variables,
  ) {
    this.#index = index
    this.#schema = index.schema
    this.#fragments = fragments
    this.#variables = variables
  }

  root(set: SelectionSetNode, type: GraphQLCompositeType): void {
    this.#set(set, this.#index.of(type), new Keys())
  }

  /** `keys` are the response keys of this place of the answer: two fields for one key have to be compared. */
  #set(set: SelectionSetNode, place: KnownType, keys: Keys): void {
    for (const selection of set.selections) {
      // Expanded fragments count each time: a document that doubles itself forty times is not plain.
      demand(++this.#steps <= documentLimits.fields)
      if (selection.directives !== undefined) this.#directives(selection.directives)
      if (selection.kind === Kind.FIELD) this.#field(selection, place, keys)
      else this.#fragment(selection, place, keys)
    }
  }

  #field(node: FieldNode, place: KnownType, keys: Keys): void {
    const name = node.name.value
    const key = node.alias === undefined ? name : node.alias.value
    const top = this.#path.length === 0
    if (top) this.count++
    const below = node.selectionSet
    if (name === '__typename') {
      demand(below === undefined && (node.arguments?.length ?? 0) === 0)
      demand(keys.add(key, typename))
      return
    }
    const known = place.field(name)
    demand(known !== undefined)
    demand(keys.add(key, known.leaf && node.arguments === undefined ? known : undefined))
    this.#arguments(known, node.arguments ?? none)
    if (!top) this.#reach.meet(known, node, key, this.#path)
    if (below === undefined) demand(known.leaf)
    else {
      const { next } = known
      demand(next !== undefined)
      this.#path.push(key)
      this.#set(below, next, new Keys())
      this.#path.pop()
    }
    if (!top) return
    this.roots.push({ node, known, reached: this.#reach.found() })
  }

  #fragment(
    selection: FragmentSpreadNode | InlineFragmentNode,
    place: KnownType,
    keys: Keys,
  ): void {
    const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? this.#fragments.get(selection.name.value)
        : selection
    demand(fragment !== undefined)
    const condition = fragment.typeCondition?.name.value
    const narrowed = condition === undefined ? place.type : this.#schema.getType(condition)
    demand(isCompositeType(narrowed) && doTypesOverlap(this.#schema, narrowed, place.type))
    if (name !== undefined) {
      demand(!this.#open.has(name))
      this.#open.add(name)
      this.spread.add(name)
    }
    this.#set(fragment.selectionSet, this.#index.of(narrowed), keys)
    if (name !== undefined) this.#open.delete(name)
  }

  #directives(directives: readonly DirectiveNode[]): void {
    const [directive] = directives
    if (directive === undefined) return
    demand(directives.length === 1)
    const name = directive.name.value
    demand(name === 'skip' || name === 'include')
    const [only, ...others] = directive.arguments ?? none
    demand(only !== undefined && others.length === 0 && only.name.value === 'if')
    const definition = this.#schema.getDirective(name)
    const [condition] = definition?.args ?? []
    demand(condition !== undefined)
    readValue(this.#schema, this.#variables, only.value, condition.type)
  }

  #arguments(known: KnownField, given: readonly ArgumentNode[]): void {
    let { required } = known
    for (let i = 0; i < given.length; i++) {
      const node = given[i]
      demand(node !== undefined)
      const name = node.name.value
      const argument = known.field.args.find((one) => one.name === name)
      demand(argument !== undefined)
      for (let before = 0; before < i; before++) demand(given[before]?.name.value !== name)
      if (isRequiredArgument(argument)) required--
      readValue(
        this.#schema,
        this.#variables,
        node.value,
        argument.type,
        argument.default !== undefined,
      )
    }
    demand(required === 0)
  }
}

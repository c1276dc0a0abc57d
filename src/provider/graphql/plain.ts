/**
 * Whether an operation is plainly valid: what most documents are, told in one walk, at a small part of what graphql-js's
 * validation costs. It says yes only where that validation would say so too (a test compares them on random documents);
 * whatever is unusual, not only what is wrong, is a no, and is left to the validation itself, which also has the words.
 */
import {
  Kind,
  OperationTypeNode,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isLeafType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  doTypesOverlap,
  isTypeSubTypeOf,
  typeFromAST,
  type ArgumentNode,
  type DirectiveNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { documentLimits } from './limits.ts'

type Variables = ReadonlyMap<string, { readonly type: GraphQLInputType; used: boolean }>

/** Thrown inside of this file to leave the walk: it is not plain. */
const unusual = Symbol('unusual')

export function isPlain(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): boolean {
  const root = schema.getRootType(operation.operation)
  if (root == null || operation.operation === OperationTypeNode.SUBSCRIPTION) return false
  if ((operation.directives?.length ?? 0) > 0) return false
  for (const fragment of fragments.values())
    if ((fragment.directives?.length ?? 0) > 0) return false
  // With a second operation, or a fragment that nothing spreads, the document is not what would run.
  try {
    const variables = readVariables(schema, operation)
    const walk = new Walk(schema, fragments, variables)
    walk.set(operation.selectionSet, root, new Set())
    for (const { used } of variables.values()) if (!used) return false
    return walk.spread.size === fragments.size
  } catch (error) {
    if (error === unusual) return false
    throw error
  }
}

function demand(holds: boolean): asserts holds {
  // oxlint-disable-next-line typescript/only-throw-error -- it leaves the walk and is caught above
  if (!holds) throw unusual
}

function readVariables(schema: GraphQLSchema, operation: OperationDefinitionNode): Variables {
  const variables = new Map<string, { readonly type: GraphQLInputType; used: boolean }>()
  for (const definition of operation.variableDefinitions ?? []) {
    // What a default does to the places where the variable may stand is not plain.
    demand(definition.defaultValue === undefined && (definition.directives?.length ?? 0) === 0)
    const name = definition.variable.name.value
    const type = typeFromAST(schema, definition.type)
    demand(isInputType(type) && !variables.has(name))
    variables.set(name, { type, used: false })
  }
  return variables
}

class Walk {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #variables: Variables
  /** The fragments that were met. */
  readonly spread = new Set<string>()
  /** Those that are being walked: one of them inside of itself has no end. */
  readonly #open = new Set<string>()
  #steps = 0

  constructor(
    schema: GraphQLSchema,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    variables: Variables,
  ) {
    this.#schema = schema
    this.#fragments = fragments
    this.#variables = variables
  }

  /** `keys` are the response keys of this place of the answer: two fields for one key have to be compared. */
  set(set: SelectionSetNode, type: GraphQLCompositeType, keys: Set<string>): void {
    for (const selection of set.selections) {
      // Expanded fragments count each time: a document that doubles itself forty times is not plain.
      demand(++this.#steps <= documentLimits.fields)
      this.#directives(selection.directives)
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value
        const key = selection.alias?.value ?? name
        demand(!keys.has(key))
        keys.add(key)
        const below = selection.selectionSet
        if (name === '__typename') {
          demand(below === undefined && (selection.arguments?.length ?? 0) === 0)
          continue
        }
        const field = 'getFields' in type ? type.getFields()[name] : undefined
        demand(field !== undefined)
        this.#arguments(field, selection.arguments ?? [])
        const next = getNamedType(field.type)
        if (below === undefined) demand(isLeafType(next))
        else {
          demand(isCompositeType(next))
          this.set(below, next, new Set())
        }
        continue
      }
      const fragment =
        selection.kind === Kind.FRAGMENT_SPREAD
          ? this.#fragments.get(selection.name.value)
          : selection
      demand(fragment !== undefined)
      const condition = fragment.typeCondition?.name.value
      const narrowed = condition === undefined ? type : this.#schema.getType(condition)
      demand(isCompositeType(narrowed) && doTypesOverlap(this.#schema, narrowed, type))
      const name = selection.kind === Kind.FRAGMENT_SPREAD ? selection.name.value : undefined
      if (name !== undefined) {
        demand(!this.#open.has(name))
        this.#open.add(name)
        this.spread.add(name)
      }
      this.set(fragment.selectionSet, narrowed, keys)
      if (name !== undefined) this.#open.delete(name)
    }
  }

  #directives(directives: readonly DirectiveNode[] | undefined): void {
    if (directives === undefined || directives.length === 0) return
    demand(directives.length === 1)
    const [directive] = directives
    const name = directive?.name.value
    demand(directive !== undefined && (name === 'skip' || name === 'include'))
    const [only, ...others] = directive.arguments ?? []
    demand(only !== undefined && others.length === 0 && only.name.value === 'if')
    const definition = this.#schema.getDirective(name)
    const [condition] = definition?.args ?? []
    demand(condition !== undefined)
    this.#value(only.value, condition.type)
  }

  #arguments(field: GraphQLField<unknown, unknown>, given: readonly ArgumentNode[]): void {
    if (field.args.length === 0) return demand(given.length === 0)
    let required = 0
    for (const [i, { name, value }] of given.entries()) {
      const argument = field.args.find((one) => one.name === name.value)
      demand(argument !== undefined)
      for (let before = 0; before < i; before++) demand(given[before]?.name.value !== name.value)
      if (isRequiredArgument(argument)) required++
      this.#value(value, argument.type, argument.default !== undefined)
    }
    for (const argument of field.args) if (isRequiredArgument(argument)) required--
    demand(required === 0)
  }

  #value(node: ValueNode, type: GraphQLInputType, hasDefault = false): void {
    if (node.kind === Kind.VARIABLE) {
      const variable = this.#variables.get(node.name.value)
      demand(variable !== undefined)
      // A nullable variable where null is not allowed passes only for the sake of a default: not plain.
      demand(!hasDefault || isNonNullType(variable.type) === isNonNullType(type))
      demand(isTypeSubTypeOf(this.#schema, variable.type, type))
      variable.used = true
      return
    }
    if (isNonNullType(type)) {
      demand(node.kind !== Kind.NULL)
      this.#value(node, type.ofType)
      return
    }
    if (node.kind === Kind.NULL) return
    if (isListType(type)) {
      if (node.kind !== Kind.LIST) return this.#value(node, type.ofType)
      for (const item of node.values) this.#value(item, type.ofType)
      return
    }
    if (isInputObjectType(type)) {
      demand(node.kind === Kind.OBJECT && !type.isOneOf)
      const fields = type.getFields()
      const seen = new Set<string>()
      for (const { name, value } of node.fields) {
        const field = fields[name.value]
        demand(field !== undefined && !seen.has(name.value))
        seen.add(name.value)
        this.#value(value, field.type, field.default !== undefined)
      }
      for (const field of Object.values(fields))
        if (isRequiredInputField(field)) demand(seen.has(field.name))
      return
    }
    if (isEnumType(type)) {
      demand(node.kind === Kind.ENUM && type.getValue(node.value) !== undefined)
      return
    }
    switch (type.name) {
      case 'ID':
        return demand(node.kind === Kind.STRING || node.kind === Kind.INT)
      case 'String':
        return demand(node.kind === Kind.STRING)
      case 'Boolean':
        return demand(node.kind === Kind.BOOLEAN)
      case 'Int':
        // Up to nine digits is within 32 bits whatever they are.
        return demand(node.kind === Kind.INT && node.value.length <= 9)
      case 'Float':
        return demand(
          (node.kind === Kind.INT || node.kind === Kind.FLOAT) && node.value.length <= 15,
        )
      default:
        // A scalar of the provider's own takes what its schema cannot say.
        return demand(node.kind === Kind.STRING || node.kind === Kind.BOOLEAN)
    }
  }
}

/**
 * Turns a document's text into a plan: which root fields would run and what their selections reach, all of it
 * independent of the variables. A field that may run counts: `@skip` and `@include` are the provider's to evaluate.
 */
import {
  GraphQLError,
  Kind,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  parse,
  validate,
} from 'graphql'
import type {
  FieldNode,
  FragmentDefinitionNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLInputType,
  SelectionSetNode,
  VariableDefinitionNode,
} from 'graphql'
import type { IdentifyRefusal } from '../adapter.ts'
import type { EdgeClass, GraphqlCatalogue, Root, RootField } from './catalogue.ts'
import { documentLimits, exceedsExpansionLimits, exceedsTokenLimits } from './limits.ts'
import { rules } from './merge-rule.ts'
import { isPlain } from './plain.ts'
import { bare, printSelected, selectOperation, soleOperation } from './select.ts'

/** One root field as it occurs, without its selections. */
export type PlannedRoot = {
  readonly field: RootField
  readonly definition: GraphQLField<unknown, unknown>
  readonly node: FieldNode
  /** The key of its answer under `data`. */
  readonly responseKey: string
  /** Whether its selections reach a field that reveals a secret. */
  readonly secret: boolean
  readonly widens: readonly string[]
  /** Where in the answer, from `data` down, the secret fields stand. */
  readonly secretPaths: readonly (readonly string[])[]
}

export type Plan =
  | { readonly ok: false; readonly refusal: IdentifyRefusal }
  | {
      readonly ok: true
      readonly root: Root
      /** The chosen operation with the fragments it uses. */
      readonly printed: string
      readonly variables: readonly VariableDefinitionNode[]
      readonly variableNames: ReadonlySet<string>
      /** Empty where the operation selects nothing but `__typename`. */
      readonly roots: readonly PlannedRoot[]
      /** `__schema` and `__type`, which describe the provider and touch nothing. */
      readonly introspection: ReadonlySet<'__schema' | '__type'>
    }

/** At most 100 characters of text that the agent may have written, on one line. */
export function quote(text: string): string {
  const line = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}

function refuse(detail: string, code: IdentifyRefusal['code'] = 'not_understood'): Plan {
  return { ok: false, refusal: { code, detail } }
}

export function analyse(
  catalogue: GraphqlCatalogue,
  text: string,
  operationName: string | undefined,
): Plan {
  if (text.length > documentLimits.length)
    return refuse('The GraphQL document is larger than 256 KiB.', 'payload_too_large')
  let document
  try {
    const excess = exceedsTokenLimits(text)
    if (excess !== undefined) return refuse(excess)
    document = parse(text, {
      noLocation: true,
      maxLexicalTokens: documentLimits.tokens,
      allowEmptySelectionSets: false,
    })
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    return refuse(`The GraphQL document does not parse: ${quote(error.message)}`)
  }
  const sole = soleOperation(document, operationName)
  const plain = sole !== undefined && isPlain(catalogue.schema, sole.operation, sole.fragments)
  const excess = plain ? undefined : exceedsExpansionLimits(document)
  if (excess !== undefined) return refuse(excess)

  const selected = plain ? sole : selectOperation(document, operationName)
  if (typeof selected === 'string') return refuse(selected)
  const { operation, fragments } = selected
  const root = operation.operation
  if (root === 'subscription')
    return refuse('Subscriptions are not forwarded; poll the query of the same name.')

  // Before validation, so that an unknown operation is called that rather than a type error.
  const rootNodes: FieldNode[] = []
  collectFields(operation.selectionSet, fragments, (node) => rootNodes.push(node))
  if (rootNodes.length > documentLimits.roots)
    return refuse(`The operation has more than ${documentLimits.roots} root fields.`)
  for (const node of rootNodes) {
    const name = node.name.value
    if (isMeta(name)) continue
    const field = catalogue.roots.get(`${root}.${name}`)
    if (field === undefined)
      return refuse(`${catalogue.provider} has no ${root} "${quote(name)}".`, 'operation_unknown')
    if (field.denied)
      return refuse(
        `${field.operation} is always refused: the provider's schema does not tell what it touches.`,
        'operation_unknown',
      )
  }

  const [error] = plain
    ? []
    : validate(catalogue.schema, document, rules, { maxErrors: 1, hideSuggestions: true })
  if (error !== undefined)
    return refuse(`The GraphQL document is not valid: ${quote(error.message)}`)

  const rootType = catalogue.schema.getRootType(root)
  if (rootType == null) return refuse(`${catalogue.provider} has no ${root}.`, 'operation_unknown')
  const roots: PlannedRoot[] = []
  const introspection = new Set<'__schema' | '__type'>()
  for (const node of rootNodes) {
    const name = node.name.value
    if (name === '__schema' || name === '__type') introspection.add(name)
    if (isMeta(name)) continue
    const field = catalogue.roots.get(`${root}.${name}`)
    const definition = rootType.getFields()[name]
    if (field === undefined || definition === undefined)
      return refuse('The document could not be analysed.')
    const responseKey = node.alias?.value ?? name
    const reached = reach(catalogue, node, definition, fragments, responseKey)
    if ('unclassified' in reached)
      return refuse(
        `The field ${reached.unclassified} is not in the catalogue.`,
        'operation_unknown',
      )
    const { selectionSet: _, ...bare } = node
    roots.push({ field, definition, node: bare, responseKey, ...reached })
  }
  const variables = operation.variableDefinitions ?? []
  return {
    ok: true,
    root,
    printed: plain && bare(text, selected) ? text : printSelected(selected),
    variables,
    variableNames: new Set(variables.map((variable) => variable.variable.name.value)),
    roots,
    introspection,
  }
}

function isMeta(name: string): name is '__typename' | '__schema' | '__type' {
  return name === '__typename' || name === '__schema' || name === '__type'
}

/** Every field of a selection set, through inline fragments and spreads. Bounded by `exceedsExpansionLimits`. */
function collectFields(
  set: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  take: (node: FieldNode) => void,
): void {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) take(selection)
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      collectFields(selection.selectionSet, fragments, take)
    else {
      const fragment = fragments.get(selection.name.value)
      if (fragment !== undefined) collectFields(fragment.selectionSet, fragments, take)
    }
  }
}

/** Whether an argument of this type can carry an id. Inputs that contain themselves are walked once. */
function takesId(type: GraphQLInputType, above: ReadonlySet<string> = new Set()): boolean {
  const named = getNamedType(type)
  if (!isInputObjectType(named)) return named.name === 'ID'
  if (above.has(named.name)) return false
  const within = new Set([...above, named.name])
  return Object.values(named.getFields()).some((field) => takesId(field.type, within))
}

/** Where a walk is in the answer. Only the few places that matter are written out. */
type Path = { readonly key: string; readonly above: Path | undefined }

function keysOf(path: Path): string[] {
  const keys: string[] = []
  for (let at: Path | undefined = path; at !== undefined; at = at.above) keys.unshift(at.key)
  return keys
}

type Field = GraphQLField<unknown, unknown>
const classes = new WeakMap<GraphqlCatalogue['edges'], Map<Field, EdgeClass | undefined>>()

/** The class of one edge. A field of a schema is one object, by which it is found again without spelling its name. */
function classOf(
  catalogue: GraphqlCatalogue,
  type: GraphQLCompositeType,
  field: Field,
): EdgeClass | undefined {
  let known = classes.get(catalogue.edges)
  if (known === undefined) classes.set(catalogue.edges, (known = new Map()))
  if (known.has(field)) return known.get(field)
  const found = catalogue.edges.get(`${type.name}.${field.name}`)
  known.set(field, found)
  return found
}

type Reached = Pick<PlannedRoot, 'secret' | 'widens' | 'secretPaths'>

/** What the selections below one root field reach, by the class of each edge they follow. */
function reach(
  catalogue: GraphqlCatalogue,
  node: FieldNode,
  definition: GraphQLField<unknown, unknown>,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  responseKey: string,
): Reached | { readonly unclassified: string } {
  const widens = new Set<string>()
  const secretPaths: string[][] = []
  let unclassified: string | undefined

  function walk(set: SelectionSetNode, type: GraphQLCompositeType, path: Path): void {
    for (const selection of set.selections) {
      if (selection.kind !== Kind.FIELD) {
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection
        if (fragment === undefined) continue
        const condition = fragment.typeCondition?.name.value
        const narrowed =
          condition === undefined ? type : (catalogue.schema.getType(condition) ?? type)
        walk(fragment.selectionSet, isCompositeType(narrowed) ? narrowed : type, path)
        continue
      }
      const name = selection.name.value
      if (name === '__typename') continue
      const field = 'getFields' in type ? type.getFields()[name] : undefined
      const kind = field === undefined ? undefined : classOf(catalogue, type, field)
      if (kind === undefined || field === undefined) {
        unclassified ??= `${type.name}.${name}`
        continue
      }
      const edge = (): string => `${type.name}.${name}`
      const below: Path = { key: selection.alias?.value ?? name, above: path }
      if (kind === 'widens') widens.add(`${edge()} reaches what is outside of the environment.`)
      // Ids are looked up where root fields take them; below, one would choose an object that nobody has looked at.
      for (const arg of selection.arguments ?? []) {
        const taken = field.args.find((one) => one.name === arg.name.value)
        if (taken !== undefined && takesId(taken.type))
          widens.add(`${edge()} takes an id as ${taken.name}, which is not looked up.`)
      }
      if (kind === 'secret') secretPaths.push(keysOf(below))
      const next = getNamedType(field.type)
      if (selection.selectionSet !== undefined && isCompositeType(next))
        walk(selection.selectionSet, next, below)
    }
  }

  const type = getNamedType(definition.type)
  if (node.selectionSet !== undefined && isCompositeType(type))
    walk(node.selectionSet, type, {
      key: responseKey,
      above: { key: 'data', above: undefined },
    })
  if (unclassified !== undefined) return { unclassified }
  return { secret: secretPaths.length > 0, widens: [...widens], secretPaths }
}

/**
 * Turns a document's text into a plan: which root fields would run and what their selections reach, all of it
 * independent of the variables. A field that may run counts: `@skip` and `@include` are the provider's to evaluate.
 */
import { GraphQLError, Kind, parse, validate } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  OperationDefinitionNode,
  SelectionSetNode,
  VariableDefinitionNode,
} from 'graphql'
import type { IdentifyRefusal } from '../adapter.ts'
import type { GraphqlCatalogue, Root, RootField } from './catalogue.ts'
import { documentLimits, exceedsExpansionLimits, exceedsTokenLimits } from './limits.ts'
import { rules } from './merge-rule.ts'
import { plainRoots, type PlainRoots } from './plain.ts'
import { reachOf } from './reach.ts'
import { readDocument } from './read.ts'
import { SchemaIndex, type KnownField } from './schema-index.ts'
import { bare, printSelected, selectOperation, soleOperation } from './select.ts'
import { Vocabulary } from './vocabulary.ts'

/** One root field as it occurs. Of its selections nothing is kept: a plan may be, and the document is large. */
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

type Refused = Extract<Plan, { ok: false }>

function refuse(detail: string, code: IdentifyRefusal['code'] = 'not_understood'): Refused {
  return { ok: false, refusal: { code, detail } }
}

/** A root field of the schema, and what its selections reach. */
type Met = PlainRoots['roots'][number]

/** What is made of a catalogue once, at its first document. */
type Prepared = { readonly index: SchemaIndex; readonly vocabulary: Vocabulary }
const preparations = new WeakMap<GraphqlCatalogue, Prepared>()

function prepare(catalogue: GraphqlCatalogue): Prepared {
  let made = preparations.get(catalogue)
  if (made === undefined) {
    made = { index: new SchemaIndex(catalogue), vocabulary: new Vocabulary(catalogue.schema) }
    preparations.set(catalogue, made)
  }
  return made
}

export function analyse(
  catalogue: GraphqlCatalogue,
  text: string,
  operationName: string | undefined,
): Plan {
  if (text.length > documentLimits.length)
    return refuse('The GraphQL document is larger than 256 KiB.', 'payload_too_large')
  const { index, vocabulary } = prepare(catalogue)
  const read = readDocument(vocabulary, text)
  const document = read ?? parseWithin(text)
  if ('ok' in document) return document

  const sole = soleOperation(document, operationName)
  const plain = sole === undefined ? undefined : plainRoots(index, sole.operation, sole.fragments)
  if (sole !== undefined && plain !== undefined) {
    const { operation } = sole
    const refusal = refuseRoots(catalogue, operation.operation, plain.count, plain.roots)
    if (refusal !== undefined) return refusal
    const printed = read !== undefined || bare(text, sole) ? text : printSelected(sole)
    return planOf(operation, plain.roots, printed, none)
  }
  return analyseWhole(catalogue, index, document, operationName)
}

const none: ReadonlySet<never> = new Set()

function parseWithin(text: string): DocumentNode | Refused {
  try {
    const excess = exceedsTokenLimits(text)
    if (excess !== undefined) return refuse(excess)
    return parse(text, {
      noLocation: true,
      maxLexicalTokens: documentLimits.tokens,
      allowEmptySelectionSets: false,
    })
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    return refuse(`The GraphQL document does not parse: ${quote(error.message)}`)
  }
}

/** For what is not plain, and for the words where something is wrong. */
function analyseWhole(
  catalogue: GraphqlCatalogue,
  index: SchemaIndex,
  document: DocumentNode,
  operationName: string | undefined,
): Plan {
  const excess = exceedsExpansionLimits(document)
  if (excess !== undefined) return refuse(excess)
  const selected = selectOperation(document, operationName)
  if (typeof selected === 'string') return refuse(selected)
  const { operation, fragments } = selected
  const root = operation.operation
  if (root === 'subscription')
    return refuse('Subscriptions are not forwarded; poll the query of the same name.')

  const nodes: FieldNode[] = []
  collectFields(operation.selectionSet, fragments, (node) => nodes.push(node))
  const type = catalogue.schema.getRootType(root)
  const place = type == null ? undefined : index.of(type)
  const found = nodes.flatMap((node) =>
    isMeta(node.name.value) ? [] : [{ node, known: place?.field(node.name.value) }],
  )
  // Before validation, so that an unknown operation is called that rather than a type error.
  const refusal = refuseRoots(catalogue, root, nodes.length, found)
  if (refusal !== undefined) return refusal

  const [error] = validate(catalogue.schema, document, rules, {
    maxErrors: 1,
    hideSuggestions: true,
  })
  if (error !== undefined)
    return refuse(`The GraphQL document is not valid: ${quote(error.message)}`)

  const met = found.flatMap(({ node, known }) =>
    known === undefined ? [] : [{ node, known, reached: reachOf(index, node, known, fragments) }],
  )
  const introspection = new Set<'__schema' | '__type'>()
  for (const { name } of nodes)
    if (name.value === '__schema' || name.value === '__type') introspection.add(name.value)
  return planOf(operation, met, printSelected(selected), introspection)
}

/** Why an operation of `count` root fields, of which these are not the language's own, cannot be planned. */
function refuseRoots(
  catalogue: GraphqlCatalogue,
  root: Root,
  count: number,
  found: readonly { readonly node: FieldNode; readonly known: KnownField | undefined }[],
): Refused | undefined {
  if (count > documentLimits.roots)
    return refuse(`The operation has more than ${documentLimits.roots} root fields.`)
  for (const { node, known } of found) {
    const field = known?.root
    if (field === undefined)
      return refuse(
        `${catalogue.provider} has no ${root} "${quote(node.name.value)}".`,
        'operation_unknown',
      )
    if (field.denied)
      return refuse(
        `${field.operation} is always refused: the provider's schema does not tell what it touches.`,
        'operation_unknown',
      )
  }
  return undefined
}

function planOf(
  operation: OperationDefinitionNode,
  met: readonly Met[],
  printed: string,
  introspection: ReadonlySet<'__schema' | '__type'>,
): Plan {
  const roots: PlannedRoot[] = []
  for (const { node, known, reached } of met) {
    const { root: field, field: definition } = known
    if (field === undefined) return refuse('The document could not be analysed.')
    const { secret, widens, secretPaths, unclassified } = reached
    if (unclassified !== undefined)
      return refuse(`The field ${unclassified} is not in the catalogue.`, 'operation_unknown')
    const responseKey = node.alias?.value ?? node.name.value
    const { alias, name, directives } = node
    const alone: FieldNode = {
      kind: Kind.FIELD,
      alias,
      name,
      arguments: node.arguments,
      directives,
    }
    roots.push({ field, definition, node: alone, responseKey, secret, widens, secretPaths })
  }
  const variables = operation.variableDefinitions ?? []
  return {
    ok: true,
    root: operation.operation,
    printed,
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

/**
 * Holds the manifest's own queries against the schema before they are relied on. Each must be one query of the one
 * variable that it is asked with, must answer with the id that was asked about, and must say whether it is the whole
 * answer wherever the schema pages it: a look-up that reads half a list would find an object in half of its homes.
 */
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isListType,
  Kind,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
  visit,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { ImportedHome, ImportedManifest } from '../manifest.ts'

/** `pointer` is into the request that imports. */
export class LookUpError extends Error {
  override name = 'LookUpError'
  readonly pointer: string
  constructor(pointer: string, message: string) {
    super(message)
    this.pointer = pointer
  }
}

type LookUp = Extract<ImportedHome, { is: 'queried' | 'queried_list' }>

/** Throws LookUpError. */
export function checkLookUps(schema: GraphQLSchema, { homes = {} }: ImportedManifest): void {
  for (const [kind, home] of Object.entries(homes))
    if (home.is === 'queried' || home.is === 'queried_list')
      checkLookUp(schema, `/manifest/homes/${kind}`, home)
}

function checkLookUp(schema: GraphQLSchema, pointer: string, home: LookUp): void {
  const refuse = (member: string, detail: string): LookUpError =>
    new LookUpError(`${pointer}/${member}`, detail)
  const operation = readQuery(schema, home, (detail) => refuse('query', detail))
  const root = schema.getQueryType()
  if (root == null) throw refuse('query', 'the schema has no queries')

  const follow = (member: string, path: string): readonly Step[] => {
    const steps = stepsOf(schema, root, operation.selectionSet, path.split('.'))
    if (typeof steps === 'string') throw refuse(member, `${path}: ${steps}`)
    return steps
  }
  const plain = (member: string, path: string, isOf: (name: string) => boolean): void => {
    const steps = follow(member, path)
    const [last] = steps.slice(-1)
    if (path.includes('*') || last === undefined || !isOf(getNamedType(last.type).name))
      throw refuse(member, `${path} is not one value of the kind that is needed`)
  }
  plain('same', home.same, () => true)
  const member = home.is === 'queried' ? 'at' : 'items'
  const at = home.is === 'queried' ? home.at : home.items
  const steps = follow(member, at)
  if (home.is === 'queried_list' && !at.includes('*')) throw refuse(member, 'it leads to no list')
  // More pages below a list of pages: of which of them would have to be asked.
  const paged = steps.filter(({ paged }) => paged)
  if (paged.length > 1 || (paged[0]?.inList ?? false))
    throw refuse(member, `${at} leads through a list of lists that are paged`)
  if (paged.length === 1 && home.more === undefined)
    throw refuse('more', `${at} is paged, and nothing says whether there is more`)
  if (home.more !== undefined) plain('more', home.more, (name) => name === 'Boolean')
  if (home.is !== 'queried_list') return
  const pages = variablesOf(operation).includes('after')
  if (pages !== (home.cursor !== undefined) || (pages && home.more === undefined))
    throw refuse('cursor', '"more", "cursor" and the variable $after belong together')
  if (home.cursor !== undefined)
    plain('cursor', home.cursor, (name) => name !== 'Boolean' && name !== 'Float')
}

function readQuery(
  schema: GraphQLSchema,
  home: LookUp,
  refuse: (detail: string) => LookUpError,
): OperationDefinitionNode {
  let document
  try {
    document = parse(home.query, { noLocation: true, maxLexicalTokens: 1_000 })
  } catch (error) {
    if (error instanceof RangeError) throw error
    throw refuse('it is no GraphQL query')
  }
  const [operation, ...others] = document.definitions
  if (
    operation?.kind !== Kind.OPERATION_DEFINITION ||
    operation.operation !== OperationTypeNode.QUERY ||
    others.length > 0
  )
    throw refuse('it must be one query, without fragments of a name')
  let directives = false
  visit(document, { Directive: () => void (directives = true) })
  if (directives) throw refuse('it has a directive')
  const [error] = validate(schema, document, specifiedRules, {
    maxErrors: 1,
    hideSuggestions: true,
  })
  if (error !== undefined) throw refuse(`it does not fit the schema: ${error.message}`)
  const names = variablesOf(operation)
  const allowed = home.is === 'queried' ? ['id'] : ['of', 'after']
  if (!names.includes(allowed[0] ?? '') || names.some((name) => !allowed.includes(name)))
    throw refuse(
      home.is === 'queried'
        ? 'its one variable is $id'
        : 'its variables are $of and, where it is paged, $after',
    )
  return operation
}

function variablesOf({ variableDefinitions = [] }: OperationDefinitionNode): readonly string[] {
  return variableDefinitions.map(({ variable }) => variable.name.value)
}

/** One field on the way. `inList`: below an item of a list. `paged`: of a type that says whether there is more. */
type Step = { readonly type: GraphQLOutputType; readonly inList: boolean; readonly paged: boolean }

/** A sentence where the path does not lead to a value that the query asks for. */
function stepsOf(
  schema: GraphQLSchema,
  root: GraphQLCompositeType,
  selections: SelectionSetNode,
  path: readonly string[],
): readonly Step[] | string {
  let types: readonly { readonly type: GraphQLCompositeType; readonly set: SelectionSetNode }[] = [
    { type: root, set: selections },
  ]
  const steps: Step[] = []
  let inList = false
  for (let i = 0; i < path.length;) {
    const key = path[i] ?? ''
    const fields = types.flatMap(({ type, set }) => fieldsAt(schema, type, set, key))
    const [first] = fields
    if (first === undefined) return `the query does not ask for ${key}`
    i++
    let lists = 0
    for (let type = getNullableType(first.field.type); isListType(type); lists++)
      type = getNullableType(type.ofType)
    for (let n = 0; n < lists; n++, i++)
      if (path[i] !== '*') return `${key} is a list: it takes a "*"`
    if (path[i] === '*') return `${key} is no list of lists`
    const next = fields.flatMap(({ field, set }) => {
      const type = getNamedType(field.type)
      return set !== undefined && isCompositeType(type) ? [{ type, set }] : []
    })
    steps.push({
      type: first.field.type,
      inList,
      paged: next.some(({ type }) => 'getFields' in type && 'pageInfo' in type.getFields()),
    })
    inList ||= lists > 0
    types = next
    if (i === path.length)
      return fields.every(({ field }) => isLeafType(getNamedType(field.type)))
        ? steps
        : 'it does not end at a value'
  }
  return 'it is empty'
}

type Asked = {
  readonly field: GraphQLField<unknown, unknown>
  readonly set: SelectionSetNode | undefined
}

/** The fields that answer under one key, inline fragments walked. */
function fieldsAt(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  set: SelectionSetNode,
  key: string,
): readonly Asked[] {
  return set.selections.flatMap((selection): readonly Asked[] => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return []
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const name = selection.typeCondition?.name.value
      const narrowed = name === undefined ? type : schema.getType(name)
      return isCompositeType(narrowed)
        ? fieldsAt(schema, narrowed, selection.selectionSet, key)
        : []
    }
    if ((selection.alias?.value ?? selection.name.value) !== key) return []
    const field =
      isAbstractType(type) && !('getFields' in type)
        ? undefined
        : type.getFields()[selection.name.value]
    return field === undefined ? [] : [{ field, set: selection.selectionSet }]
  })
}

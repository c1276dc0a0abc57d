/**
 * Chooses the one operation that would run, and writes a document of it and its fragments alone: operations that do not
 * run never reach the provider, whatever the provider would make of `operationName`.
 */
import { Kind, print, visit } from 'graphql'
import type {
  DocumentNode,
  ExecutableDefinitionNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
} from 'graphql'

export type Selected = {
  readonly operation: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
}

/** Per the specification, section 6.1: GetOperation. Returns the sentence that refuses it where there is no one choice. */
export function selectOperation(
  document: DocumentNode,
  operationName: string | undefined,
): Selected | string {
  const operations: OperationDefinitionNode[] = []
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition)
    if (definition.kind === Kind.FRAGMENT_DEFINITION)
      fragments.set(definition.name.value, definition)
  }
  if (operations.length === 0) return 'The document has no operation.'
  if (operationName === undefined && operations.length > 1)
    return 'The document has several operations; say which with operationName.'
  const chosen = operations.filter(
    (operation) => operationName === undefined || operation.name?.value === operationName,
  )
  const [operation] = chosen
  if (operation === undefined) return 'The document has no operation of the name in operationName.'
  if (chosen.length > 1) return 'The document has two operations of the same name.'

  const used = new Map<string, FragmentDefinitionNode>()
  collect(operation, fragments, used)
  return { operation, fragments: used }
}

/** Where the document is one operation of that name and fragments, each of another name. */
export function soleOperation(
  document: DocumentNode,
  operationName: string | undefined,
): Selected | undefined {
  let operation: OperationDefinitionNode | undefined
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      if (operation !== undefined) return undefined
      operation = definition
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      if (fragments.has(definition.name.value)) return undefined
      fragments.set(definition.name.value, definition)
    } else return undefined
  }
  if (operation === undefined) return undefined
  if (operationName !== undefined && operation.name?.value !== operationName) return undefined
  return { operation, fragments }
}

/** The document that goes upstream. */
export function printSelected({ operation, fragments }: Selected): string {
  const definitions: ExecutableDefinitionNode[] = [operation, ...fragments.values()]
  return print({ kind: Kind.DOCUMENT, definitions: definitions.map(undescribed) })
}

/** Printable ASCII, blanks and line ends, and no `#`: there is no comment in it, and nothing that two lexers read differently. */
const unremarkable = /^[\x20-\x22\x24-\x7e\t\n]*$/

/** Whether a text of nothing but this selection is, as it stands, what printing would make of it but for blanks. */
export function bare(text: string, { operation, fragments }: Selected): boolean {
  if (!unremarkable.test(text)) return false
  const described = [operation, ...fragments.values(), ...(operation.variableDefinitions ?? [])]
  return described.every((node) => node.description === undefined)
}

function collect(
  definition: ExecutableDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  used: Map<string, FragmentDefinitionNode>,
): void {
  visit(definition, {
    FragmentSpread(spread) {
      const name = spread.name.value
      const fragment = fragments.get(name)
      if (fragment === undefined || used.has(name)) return
      used.set(name, fragment)
      collect(fragment, fragments, used)
    },
  })
}

/** Text that is not part of the operation (descriptions, and comments, which printing drops) is not passed on. */
function undescribed(definition: ExecutableDefinitionNode): ExecutableDefinitionNode {
  if (definition.kind === Kind.OPERATION_DEFINITION && definition.variableDefinitions !== undefined)
    return {
      ...definition,
      description: undefined,
      variableDefinitions: definition.variableDefinitions.map((variable) => ({
        ...variable,
        description: undefined,
      })),
    }
  return { ...definition, description: undefined }
}

/**
 * Chooses the one operation that would run and prints a document of it and its fragments alone: operations that do not
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
  readonly printed: string
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
  const definitions: ExecutableDefinitionNode[] = [operation, ...used.values()]
  return {
    operation,
    fragments: used,
    printed: print({ kind: Kind.DOCUMENT, definitions: definitions.map(undescribed) }),
  }
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

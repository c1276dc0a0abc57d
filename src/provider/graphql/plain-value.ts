/** What stands for values in a plain operation (see `plain.ts`): its variables, and the literals that fit their places. */
import {
  Kind,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  isTypeSubTypeOf,
  typeFromAST,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql'

export type Variables = ReadonlyMap<string, { readonly type: GraphQLInputType; used: boolean }>

/** Thrown to leave the walk: it is not plain. */
export const unusual = Symbol('unusual')

export function demand(holds: boolean): asserts holds {
  // oxlint-disable-next-line typescript/only-throw-error -- it leaves the walk and is caught above
  if (!holds) throw unusual
}

const nothing: Variables = new Map()

export function readVariables(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
): Variables {
  const variables = new Map<string, { readonly type: GraphQLInputType; used: boolean }>()
  for (const definition of operation.variableDefinitions ?? []) {
    demand((definition.directives?.length ?? 0) === 0)
    const name = definition.variable.name.value
    const type = typeFromAST(schema, definition.type)
    demand(isInputType(type) && !variables.has(name))
    // It may stand where it could without the default; that the default lets it stand elsewhere is not plain.
    if (definition.defaultValue !== undefined)
      readValue(schema, nothing, definition.defaultValue, type)
    variables.set(name, { type, used: false })
  }
  return variables
}

/** A literal, or a variable where one may stand, for a place of this type. */
export function readValue(
  schema: GraphQLSchema,
  variables: Variables,
  node: ValueNode,
  type: GraphQLInputType,
  hasDefault = false,
): void {
  if (node.kind === Kind.VARIABLE) {
    const variable = variables.get(node.name.value)
    demand(variable !== undefined)
    // A nullable variable where null is not allowed passes only for the sake of a default: not plain.
    demand(!hasDefault || isNonNullType(variable.type) === isNonNullType(type))
    demand(isTypeSubTypeOf(schema, variable.type, type))
    variable.used = true
    return
  }
  if (isNonNullType(type)) {
    demand(node.kind !== Kind.NULL)
    readValue(schema, variables, node, type.ofType)
    return
  }
  if (node.kind === Kind.NULL) return
  if (isListType(type)) {
    if (node.kind !== Kind.LIST) return readValue(schema, variables, node, type.ofType)
    for (const item of node.values) readValue(schema, variables, item, type.ofType)
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
      readValue(schema, variables, value, field.type, field.default !== undefined)
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
      return demand((node.kind === Kind.INT || node.kind === Kind.FLOAT) && node.value.length <= 15)
    default:
      // A scalar of the provider's own takes what its schema cannot say.
      return demand(node.kind === Kind.STRING || node.kind === Kind.BOOLEAN)
  }
}

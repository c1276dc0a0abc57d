/**
 * Whether fields under one key of an answer can be merged, as graphql-js checks it, but for one thing that GitHub's
 * server does not refuse either and that `gh` lives on: `state` of an issue and `state` of a pull request, asked for in
 * two fragments of which one applies, are values of different enums. What is called what is as certain as before:
 * every selection is analysed, and fields that could both run at one place must still be the same field.
 */
import {
  OverlappingFieldsCanBeMergedRule,
  getNamedType,
  isLeafType,
  parseType,
  specifiedRules,
  typeFromAST,
  type GraphQLError,
  type GraphQLSchema,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'

const conflict = /they return conflicting types "([^"]+)" and "([^"]+)"/g
/** A report in which nothing is left to object to but what `conflict` took out; any other wording is one to refuse. */
const nothingElse =
  /^Fields "\w+" conflict because (?:subfields "\w+" conflict because | and |#)+\. Use different aliases on the fields to fetch both if this was intentional\.$/

/** Both are scalars or enums, in the same lists and equally nullable: no selection below them went unseen. */
function leaves(schema: GraphQLSchema, one: string, other: string): boolean {
  const wrapping = (text: string): string => text.replace(/\w+/, '')
  if (wrapping(one) !== wrapping(other)) return false
  return [one, other].every((text) => {
    const type = typeFromAST(schema, parseType(text))
    return type !== undefined && isLeafType(getNamedType(type))
  })
}

function onlyLeavesDiffer(schema: GraphQLSchema, { message }: GraphQLError): boolean {
  const rest = message.replaceAll(conflict, (found, one: string, other: string) =>
    leaves(schema, one, other) ? '#' : found,
  )
  return nothingElse.test(rest)
}

function mergeRule(context: ValidationContext): ReturnType<ValidationRule> {
  const report = (error: GraphQLError): void => {
    if (!onlyLeavesDiffer(context.getSchema(), error)) context.reportError(error)
  }
  return OverlappingFieldsCanBeMergedRule(
    Object.create(context, { reportError: { value: report } }) as ValidationContext,
  )
}

export const rules: readonly ValidationRule[] = specifiedRules.map((rule) =>
  rule === OverlappingFieldsCanBeMergedRule ? mergeRule : rule,
)

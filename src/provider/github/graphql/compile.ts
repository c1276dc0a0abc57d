/**
 * Compiles `schema.graphql` and `operations.json` from GitHub's published schema and our review of it:
 * `node src/provider/github/graphql/compile.ts [schema.graphql]`. Without an argument it reads the development dependency
 * `@octokit/graphql-schema`. Only facts are taken (names, types, arguments and their defaults), no sentence.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  getNamedType,
  isInputObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
} from 'graphql'
import type { OperationScope } from '../../../core/operation.ts'
import { lean, leanSchema } from '../../graphql/lean-schema.ts'
import { idRole, mutationEffects, scopeOf } from './effects.ts'
import type { CompiledGraphql, CompiledRoot } from './catalogue.ts'
import {
  accountOperations,
  conditions,
  denied,
  effectOverrides,
  placeArguments,
  queryScopes,
  roleOverrides,
} from './overrides.ts'

export type CompiledFiles = { readonly schema: string; readonly operations: CompiledGraphql }

export function compileGraphql(source: string): CompiledFiles {
  const text = lean(source)
  const schema = leanSchema(text)
  const operations: CompiledRoot[] = []
  const paths = new Set<string>()
  for (const root of ['query', 'mutation'] as const) {
    const fields = schema.getRootType(root)?.getFields() ?? {}
    for (const field of Object.values(fields)) {
      for (const path of pathsOf(field)) paths.add(`${field.name}.${path.path}`)
      operations.push(root === 'query' ? query(field) : mutation(field))
    }
  }
  const names = new Set(operations.map((operation) => operation.field))
  // A verb would have to say `query:x`; the schema has never needed it.
  if (names.size !== operations.length) throw new Error('a name stands under both roots')
  const reviewed = [
    ...Object.keys({ ...queryScopes, ...effectOverrides, ...denied, ...conditions }),
    ...Object.keys(placeArguments),
    ...accountOperations,
  ]
  const lost = [
    ...reviewed.filter((name) => !names.has(name)),
    ...Object.keys(roleOverrides).filter((path) => !paths.has(path)),
    ...Object.entries(placeArguments).flatMap(([name, places]) =>
      Object.keys(places)
        .map((path) => `${name}.${path}`)
        .filter((path) => !paths.has(path)),
    ),
    ...Object.entries(conditions).flatMap(([name, rules]) =>
      rules
        .map(({ path = '' }) => `${name}.${path.replaceAll('.*', '')}`)
        .filter((path) => ![...paths].some((one) => one === path || one.startsWith(`${path}.`))),
    ),
  ]
  if (lost.length > 0) throw new Error(`reviewed, but not in the schema: ${lost.join(', ')}`)
  const digest = createHash('sha256').update(text).digest('hex')
  return { schema: text, operations: { schema: digest, operations } }
}

type InputPath = { readonly path: string; readonly id: boolean }

/** Every argument and input field of one root field, lists not indexed. Inputs that contain themselves are walked once. */
function pathsOf(field: GraphQLField<unknown, unknown>): readonly InputPath[] {
  const found: InputPath[] = []
  const walk = (
    inputs: readonly (GraphQLArgument | GraphQLInputField)[],
    prefix: string,
    above: readonly string[],
  ): void => {
    for (const { name, type } of inputs) {
      const path = `${prefix}${name}`
      const named = getNamedType(type)
      found.push({ path, id: named.name === 'ID' })
      if (isInputObjectType(named) && !above.includes(named.name))
        walk(Object.values(named.getFields()), `${path}.`, [...above, named.name])
    }
  }
  walk(field.args, '', [])
  return found
}

function query(field: GraphQLField<unknown, unknown>): CompiledRoot {
  const scope = queryScopes[field.name] ?? 'account'
  const ids = pathsOf(field).filter(({ id }) => id)
  return {
    root: 'query',
    field: field.name,
    effects: 'read',
    scope,
    ...(scope === 'environment' && ids.length > 0
      ? { ids: ids.map(({ path }) => `${path}:target`).join(' ') }
      : {}),
    ...rest(field.name),
  }
}

function mutation(field: GraphQLField<unknown, unknown>): CompiledRoot {
  const { name } = field
  const roles = pathsOf(field)
    .filter(({ id }) => id)
    .map(({ path }) => ({ path, role: roleOverrides[`${name}.${path}`] ?? idRole(path) }))
  const scope: OperationScope = accountOperations.includes(name)
    ? 'account'
    : scopeOf(roles.map(({ role }) => role))
  const unknown = roles.filter(({ role }) => role === undefined).map(({ path }) => path)
  return {
    root: 'mutation',
    field: name,
    effects: (effectOverrides[name] ?? mutationEffects(name)).join(' '),
    scope,
    ...(scope === 'environment'
      ? { ids: roles.map(({ path, role }) => `${path}:${role ?? 'target'}`).join(' ') }
      : {}),
    ...rest(name),
    ...(scope !== 'environment' || unknown.length === 0
      ? {}
      : { denied: `no rule says what ${unknown.join(' and ')} names` }),
  }
}

function rest(name: string): Partial<CompiledRoot> {
  const reason = denied[name]
  const rules = conditions[name]
  const places = placeArguments[name]
  return {
    ...(reason === undefined ? {} : { denied: reason }),
    ...(rules === undefined ? {} : { conditions: rules }),
    ...(places === undefined ? {} : { places }),
  }
}

/** One operation a line, so that a review sees what a new schema changes. */
export function serialise({ schema, operations }: CompiledGraphql): string {
  const lines = operations.map((operation) => JSON.stringify(operation))
  return `{"schema":${JSON.stringify(schema)},"operations":[\n${lines.join(',\n')}\n]}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const installed = new URL('schema.graphql', import.meta.resolve('@octokit/graphql-schema'))
  const path = process.argv[2] ?? fileURLToPath(installed)
  const compiled = compileGraphql(readFileSync(path, 'utf8'))
  writeFileSync(new URL('schema.graphql', import.meta.url), compiled.schema)
  writeFileSync(new URL('operations.json', import.meta.url), serialise(compiled.operations))
}

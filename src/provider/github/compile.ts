/**
 * Compiles `catalogue.json` from GitHub's own description and our review of it:
 * `node src/provider/github/compile.ts [description.json]`. Without an argument it reads the development dependency
 * `@octokit/openapi`. Only facts are taken (names, methods, paths, parameters and their types), no sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CompiledCatalogue, CompiledOperation } from '../rest/catalogue.ts'
import { serialise } from '../rest/written.ts'
import { effectsOf, scopeOf } from './effects.ts'
import {
  alsoAt,
  conditions,
  denied,
  effectOverrides,
  opaqueAnswers,
  publicOperations,
  sameRequest,
  slashParameters,
} from './overrides.ts'

type Json = { readonly [key: string]: unknown }

const methods = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options', 'trace']

/** Parameters that name an owner or a repository: with these, an operation says which repository it touches. */
const names = new Set([
  'owner',
  'repo',
  'template_owner',
  'template_repo',
  'repo_owner',
  'repo_name',
])

export function compile(description: Json): CompiledCatalogue {
  const resolve = resolver(description)
  const operations: CompiledOperation[] = []
  for (const [path, item] of Object.entries(resolve(description['paths']))) {
    for (const [method, operation] of Object.entries(resolve(item))) {
      if (!methods.includes(method)) continue
      const shared = list(resolve(item)['parameters'])
      operations.push(compileOne(method.toUpperCase(), path, resolve(operation), shared, resolve))
    }
  }
  const known = new Set(operations.map(({ name }) => name))
  const reviewed = [
    ...Object.keys({ ...alsoAt, ...conditions, ...denied, ...effectOverrides, ...sameRequest }),
    ...opaqueAnswers,
    ...publicOperations,
  ]
  const lost = reviewed.filter((name) => !known.has(name))
  if (lost.length > 0) throw new Error(`reviewed, but not in the description: ${lost.join(', ')}`)
  operations.sort((a, b) => (a.name < b.name ? -1 : 1))
  const version = resolve(description['info'])['version']
  return { source: `@octokit/openapi ${String(version)}`, operations }
}

function compileOne(
  method: string,
  path: string,
  operation: Json,
  shared: readonly unknown[],
  resolve: (value: unknown) => Json,
): CompiledOperation {
  const name = String(operation['operationId'])
  const parameters = [...shared, ...list(operation['parameters'])].map(resolve)
  const described = { name, method, path }
  const content = resolve(resolve(operation['requestBody'])['content'])
  const members = new Set<string>()
  const json = content['application/json']
  if (json !== undefined) collectMembers(resolve(json)['schema'], members, resolve)
  const upload = Object.keys(content).filter((type) => type !== 'application/json')
  const template = (text: string) => typedTemplate(text, parameters, resolve)
  const also = alsoAt[name]
  const query = parameters.filter((parameter) => parameter['in'] === 'query')
  const same = sameRequest[name]
  const reason = denied[name]
  const whens = conditions[name]
  return {
    name,
    method,
    path: same === undefined ? template(path) : path,
    ...(same === undefined ? {} : { sameAs: same }),
    ...(also === undefined ? {} : { also: also.map(template) }),
    effects: (effectOverrides[name] ?? effectsOf(described)).join(' '),
    scope: publicOperations.includes(name) ? 'public' : scopeOf(described),
    ...(query.length === 0
      ? {}
      : { query: query.map((one) => typedQuery(one, resolve)).join(' ') }),
    ...(json === undefined ? {} : { body: [...members].join(' ') }),
    ...(upload.length === 0 ? {} : { upload }),
    ...(opaqueAnswers.includes(name) ? { opaque: true } : {}),
    ...(reason === undefined ? {} : { denied: reason }),
    ...(whens === undefined ? {} : { conditions: whens }),
  }
}

function typedTemplate(
  path: string,
  parameters: readonly Json[],
  resolve: (value: unknown) => Json,
): string {
  return path.replace(/\{([^}]+)\}/g, (_, name: string, offset: number) => {
    const parameter = parameters.find((one) => one['in'] === 'path' && one['name'] === name)
    const upTo = path.slice(0, offset + name.length + 2)
    if (names.has(name)) return `{${name}|name}`
    if (parameter?.['x-multi-segment'] === true || slashParameters.includes(upTo))
      return `{${name}|slashes}`
    return resolve(parameter?.['schema'])['type'] === 'integer' ? `{${name}|integer}` : `{${name}}`
  })
}

function typedQuery(parameter: Json, resolve: (value: unknown) => Json): string {
  const name = String(parameter['name'])
  const type = resolve(parameter['schema'])['type']
  return type === 'integer' || type === 'boolean' ? `${name}|${type}` : name
}

/** The names of every member that some variant of the body has. */
function collectMembers(
  schema: unknown,
  into: Set<string>,
  resolve: (value: unknown) => Json,
): void {
  const { properties, oneOf, anyOf, allOf } = resolve(schema)
  for (const name of Object.keys(resolve(properties))) into.add(name)
  for (const variant of [oneOf, anyOf, allOf].flatMap(list)) collectMembers(variant, into, resolve)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Follows `$ref` (RFC 6901 pointers into the same document); nothing is an empty object. */
function resolver(document: Json): (value: unknown) => Json {
  return function resolve(value: unknown): Json {
    if (value === null || typeof value !== 'object') return {}
    const reference = (value as Json)['$ref']
    if (typeof reference !== 'string') return value as Json
    let target: unknown = document
    for (const key of reference.slice(2).split('/')) {
      target = (target as Json)[key.replaceAll('~1', '/').replaceAll('~0', '~')]
    }
    return resolve(target)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const installed = import.meta.resolve('@octokit/openapi/generated/api.github.com.json')
  const path = process.argv[2] ?? fileURLToPath(installed)
  const catalogue = compile(JSON.parse(readFileSync(path, 'utf8')) as Json)
  writeFileSync(new URL('catalogue.json', import.meta.url), serialise(catalogue))
}

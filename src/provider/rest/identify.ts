/**
 * Turns a REST request into the one operation it is, and rebuilds it from what was understood (I5): the path from the
 * template and the decoded values, the query from the declared parameters, the body from the parsed value, and of the
 * headers only the ones named here. Against an agent that writes a request which the policy and the provider would read
 * differently: nothing of the bytes it sent is forwarded, but for values that were read and encoded again.
 *
 * The invocation's arguments, which a grant's constraints name by dotted path:
 * `{ …path parameters, …query parameters, body: { … } }`, such as `owner`, `issue_number`, `per_page`, `body.private`.
 * Declared integers and booleans of the path and the query are numbers and booleans; several segments are one text
 * with `/` between them.
 */
import { consequences, type Condition } from '../../core/condition.ts'
import type {
  Effect,
  Invocation,
  JsonObject,
  JsonValue,
  ResourceRef,
} from '../../core/operation.ts'
import { namesLike } from '../../core/text.ts'
import type { Identified, ProviderRequest, RebuiltRequest } from '../adapter.ts'
import { readBody } from './body.ts'
import type { RestOperation } from './catalogue.ts'
import { readAccept } from './media-type.ts'
import type { OpenCatalogue } from './open.ts'
import { readOpenQuery, readQuery } from './query.ts'
import { quoted, refuse, type Refused } from './refusal.ts'
import { encodeSegment, readPath } from './segment.ts'
import { fits, type Template } from './template.ts'
import { match } from './trie.ts'

/** What differs from one REST provider to the next. */
export type RestRules = {
  readonly bodyLimit: number
  /** Media types that an `Accept` may name, by operation. */
  readonly accepts: (mediaType: string, operation: RestOperation) => boolean
  /** Other request headers that change the answer, and what each may hold. */
  readonly headers: Readonly<Record<string, RegExp>>
  /** The ids that the arguments name. */
  readonly resources: (args: JsonObject, operation: RestOperation) => readonly ResourceRef[]
  /** Headers that switch who acts or in whose name; the credential alone says so. */
  readonly refusedHeaders?: readonly string[]
  /** Fields of the query and of the body's outermost object that do the same. */
  readonly refusedFields?: RegExp
  /** Media types of bodies that are JSON to this provider, beside application/json. */
  readonly jsonTypes?: readonly string[]
  /** Media types of bodies that are YAML to this provider, and are read where they are JSON. */
  readonly yamlTypes?: readonly string[]
  /** What only code can tell of an operation's arguments: the statements of an SQL text. */
  readonly inspect?: (operation: RestOperation, args: JsonObject) => Inspected
}

export type Inspected =
  | { readonly ok: true; readonly added: readonly Effect[] }
  | { readonly ok: false; readonly detail: string }

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Some servers take the method from these and not from the request line. */
const overrides = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-original-method',
]

type Found = { readonly ok: true; readonly args: JsonObject; readonly path: string }
const nothingMore: Inspected = { ok: true, added: [] }

export function identifyRest(
  catalogue: Pick<OpenCatalogue, 'trie' | 'operation'>,
  rules: RestRules,
  request: ProviderRequest,
): Identified {
  const { method } = request
  if (!methods.has(method)) {
    return refuse('method_not_allowed', `The method ${quoted(method)} is none of the catalogue's.`)
  }
  const override = overrides.find((name) => request.headers[name] !== undefined)
  if (override !== undefined) {
    return refuse(
      'not_understood',
      `The header ${override} would change the method; send the method itself.`,
    )
  }
  const switching = rules.refusedHeaders?.find((name) => isPresent(name, request.headers))
  if (switching !== undefined) {
    return refuse(
      'not_understood',
      `The header ${switching} would change who acts, or in whose name; the credential says so.`,
    )
  }
  const path = readPath(request.path)
  if (!path.ok) return path

  // A HEAD is decided on as the GET it stands for, and leaves as a HEAD.
  const found = match(catalogue.trie, method === 'HEAD' ? 'GET' : method, path.segments)
  switch (found.kind) {
    case 'none':
      return refuse('operation_unknown', 'No operation of the catalogue has this path.')
    case 'other_methods':
      return refuse(
        'method_not_allowed',
        `This path is known with ${found.methods.join(', ')} only.`,
      )
    case 'ambiguous_slash':
      return refuse(
        'not_understood',
        'An encoded "/" makes this path read as another operation to some servers.',
      )
    case 'found':
  }
  const operation = catalogue.operation(found.value)
  if (operation.denied !== undefined) {
    return refuse(
      'operation_unknown',
      `${operation.name} is refused to everyone: ${operation.denied}.`,
    )
  }
  const filled = fill(found.template, found.captures)
  if (!filled.ok) return filled
  const query =
    operation.query === 'any'
      ? readOpenQuery(request.query)
      : readQuery(request.query, operation.query)
  if (!query.ok) return query
  const headers = readHeaders(operation, rules, request)
  if (!headers.ok) return headers
  const body = readBody(operation, rules, request)
  if (!body.ok) return body

  const args: JsonObject = { ...filled.args, ...Object.fromEntries(query.values) }
  const shadowing = [...query.values.keys()].find(
    (name) => name === 'body' || Object.hasOwn(filled.args, name),
  )
  // A value of the query must not stand where the path's or the body's is looked for.
  if (shadowing !== undefined) {
    return refuse(
      'not_understood',
      `The query parameter ${quoted(shadowing)} has the name of another argument of ${operation.name}.`,
    )
  }
  const switchingField = refusedField(rules, [...query.values.keys()], body.value)
  if (switchingField !== undefined) {
    return refuse(
      'not_understood',
      `The field ${quoted(switchingField)} would change who acts, or in whose name; the credential says so.`,
    )
  }
  if (body.value !== undefined) args['body'] = body.value
  const inspected = rules.inspect?.(operation, args) ?? nothingMore
  if (!inspected.ok) return refuse('not_understood', inspected.detail)
  const { conditions, everywhere } = operation
  // What the provider reads everywhere is no part of a form of files; what this operation reads may be.
  const own = body.opaque === true ? conditions.map(withoutBody) : conditions
  const loose = readAsBody(operation, query.values)
  const twice = loose === undefined ? undefined : inBoth(loose, body.value)
  if (twice !== undefined) {
    return refuse(
      'not_understood',
      `${quoted(twice)} comes in the query and in the body; send it in the body.`,
    )
  }
  const reviewed = [...own, ...everywhere]
  const said = consequences(reviewed, args)
  const asBody = loose === undefined ? said : consequences(reviewed, { ...args, body: loose })
  const resources = (read: JsonObject): readonly ResourceRef[] =>
    operation.scope === 'environment' ? rules.resources(read, operation) : []
  const reveals = wantsRevealed(request.headers[revealHeader])
  if (reveals === undefined) return refuse('not_understood', `${revealHeader} may say "secret".`)
  const invocation: Invocation = {
    operation: operation.name,
    effects: operation.effects,
    added: [...new Set([...said.added, ...asBody.added, ...inspected.added, ...reveals])],
    scope: operation.scope,
    arguments: args,
    resources: [...resources(args), ...(loose === undefined ? [] : resources({ body: loose }))],
    widens: [...new Set([...said.widens, ...asBody.widens])],
    ...(body.opaque === true ? { opaque: true } : {}),
  }
  const rebuilt: RebuiltRequest = {
    method,
    target: query.encoded === '' ? filled.path : `${filled.path}?${query.encoded}`,
    headers: {
      ...headers.headers,
      ...(body.bytes === undefined ? {} : { 'content-type': body.mediaType }),
    },
    body: body.bytes,
    // What a person approves without the secret is another request than the one with it.
    ...(reveals.length === 0 ? {} : { readBy: { [revealHeader]: 'secret' } }),
  }
  return { ok: true, invocations: [invocation], request: rebuilt }
}

/** A query that the description leaves open, of an operation that takes a body: some servers merge the two (Rack). */
function readAsBody(
  { query, form, body }: RestOperation,
  values: ReadonlyMap<string, JsonValue>,
): JsonObject | undefined {
  if (query !== 'any' || values.size === 0 || !(form || body !== undefined)) return undefined
  return Object.fromEntries(values)
}

/** A name of the query that is also one of the body, to some server. */
function inBoth(query: JsonObject, body: JsonValue | undefined): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  return Object.keys(query).find(
    (name) => Object.hasOwn(body, name) || namesLike(body, name).length > 0,
  )
}

/** `impersonate-extra-*` is any header that begins so. */
function isPresent(name: string, headers: ProviderRequest['headers']): boolean {
  if (!name.endsWith('*')) return headers[name] !== undefined
  return Object.keys(headers).some((given) => given.startsWith(name.slice(0, -1)))
}

function refusedField(
  rules: RestRules,
  query: readonly string[],
  body: JsonValue | undefined,
): string | undefined {
  const { refusedFields } = rules
  if (refusedFields === undefined) return undefined
  const members = typeof body === 'object' && body !== null ? Object.keys(body) : []
  return [...query, ...members].find((name) => refusedFields.test(name))
}

/** What a body that nobody reads may say, it says. */
function withoutBody(condition: Condition): Condition {
  if (condition.path === undefined || !/^body(?:\.|$)/.test(condition.path)) return condition
  const { adds, widens } = condition
  return {
    ...(adds === undefined ? {} : { adds }),
    ...(widens === undefined ? {} : { widens }),
  }
}

/**
 * Credentials that an answer shows by the way come back redacted. Who needs one (the `client_secret` that pays) says so
 * with this header: the request then has the effect `secret`, which must be granted, and approved where that is the rule.
 */
export const revealHeader = 'valetkey-reveal'

function wantsRevealed(value: string | undefined): readonly Effect[] | undefined {
  if (value === undefined) return []
  return value === 'secret' ? ['secret'] : undefined
}

/** The template with its parameters' values: the arguments, and the path that will leave. */
function fill(template: Template, captures: readonly (readonly string[])[]): Found | Refused {
  const args: JsonObject = {}
  let path = ''
  let next = 0
  for (const part of template.parts) {
    if ('literal' in part) {
      path += `/${part.literal}`
      continue
    }
    const segments = captures[next++] ?? []
    const text = segments.join('/')
    if (segments.length === 0 || !segments.every((segment) => fits(segment, part.type))) {
      return refuse(
        'not_understood',
        `${quoted(text)} cannot be the ${part.parameter} of ${template.text}.`,
      )
    }
    path += segments.map((segment) => `/${encodeSegment(segment)}`).join('')
    args[part.parameter] = part.type === 'integer' ? Number(text) : text
  }
  return { ok: true, args, path: path === '' ? '/' : path }
}

function readHeaders(
  operation: RestOperation,
  rules: RestRules,
  request: ProviderRequest,
): { readonly ok: true; readonly headers: Record<string, string> } | Refused {
  const headers: Record<string, string> = {}
  const accept = readAccept(request.headers['accept'], (type) => rules.accepts(type, operation))
  if (accept !== undefined) headers['accept'] = accept
  for (const [name, shape] of Object.entries(rules.headers)) {
    const value = request.headers[name]
    if (value === undefined) continue
    if (!shape.test(value))
      return refuse('not_understood', `The header ${name} is not in a form that is read here.`)
    headers[name] = value
  }
  const range = request.headers['range']
  if (range !== undefined) {
    // Two ranges can split a secret so that neither half is recognised in an answer.
    if (!operation.opaque)
      return refuse('not_understood', `${operation.name} does not answer parts (Range).`)
    if (!/^bytes=[0-9]{0,15}-[0-9]{0,15}$/.test(range))
      return refuse('not_understood', 'One range of bytes is read here.')
    headers['range'] = range
  }
  return { ok: true, headers }
}

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
import { consequences } from '../../core/condition.ts'
import type { Effect, Invocation, JsonObject, ResourceRef } from '../../core/operation.ts'
import type { Identified, ProviderRequest, RebuiltRequest } from '../adapter.ts'
import { readBody } from './body.ts'
import type { RestOperation } from './catalogue.ts'
import { readAccept } from './media-type.ts'
import { readOpenQuery, readQuery } from './query.ts'
import { quoted, refuse, type Refused } from './refusal.ts'
import { encodeSegment, readPath } from './segment.ts'
import { fits, type Template } from './template.ts'
import { match, type Trie } from './trie.ts'

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
  /** Media types of bodies that are JSON to this provider, beside application/json. */
  readonly jsonTypes?: readonly string[]
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
  trie: Trie<RestOperation>,
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
  const switching = rules.refusedHeaders?.find((name) => request.headers[name] !== undefined)
  if (switching !== undefined) {
    return refuse(
      'not_understood',
      `The header ${switching} would change who acts, or in whose name; the credential says so.`,
    )
  }
  const path = readPath(request.path)
  if (!path.ok) return path

  // A HEAD is decided on as the GET it stands for, and leaves as a HEAD.
  const found = match(trie, method === 'HEAD' ? 'GET' : method, path.segments)
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
  const operation = found.value
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
  if (body.value !== undefined) args['body'] = body.value
  const inspected = rules.inspect?.(operation, args) ?? nothingMore
  if (!inspected.ok) return refuse('not_understood', inspected.detail)
  const { added, widens } = consequences(operation.conditions, args)
  const invocation: Invocation = {
    operation: operation.name,
    effects: operation.effects,
    added: [...new Set([...added, ...inspected.added])],
    scope: operation.scope,
    arguments: args,
    resources: operation.scope === 'environment' ? rules.resources(args, operation) : [],
    widens,
  }
  const rebuilt: RebuiltRequest = {
    method,
    target: query.encoded === '' ? filled.path : `${filled.path}?${query.encoded}`,
    headers: {
      ...headers.headers,
      ...(body.bytes === undefined ? {} : { 'content-type': body.mediaType }),
    },
    body: body.bytes,
  }
  return { ok: true, invocations: [invocation], request: rebuilt }
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

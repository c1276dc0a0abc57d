/**
 * A GraphQL request over HTTP, understood in full or refused: one POST of one JSON object with a document, its
 * variables and the name of the operation. Batches, GET, persisted queries, subscriptions, compressed bodies and keys
 * we do not know are refused, each with a sentence, because each is a way for the provider to run something else than
 * what was read here.
 */
import { getArgumentValues, getVariableValues } from 'graphql'
import { consequences, type Consequences } from '../../core/condition.ts'
import { parseJson } from '../../core/json.ts'
import type { Effect, Invocation, JsonObject } from '../../core/operation.ts'
import type { Identified, IdentifyRefusal, ProviderRequest } from '../adapter.ts'
import { analyse, quote, type Plan, type PlannedRoot } from './analyse.ts'
import { readArguments } from './argument.ts'
import type { GraphqlCatalogue } from './catalogue.ts'
import { cacheByBytes, cacheByText } from './document-cache.ts'
import { documentLimits } from './limits.ts'

type Understood = Extract<Plan, { ok: true }>
type VariableValues = NonNullable<ReturnType<typeof getVariableValues>['variableValues']>

/** A plan, and the printed query as JSON: what depends on the document only. */
type Prepared = { readonly plan: Plan; readonly query: string }

// `charset` is the one parameter that leaves the bytes as they are. Quoted or not, in any case (RFC 9110, section 8.3).
const jsonMediaType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i
const bodyKeys: ReadonlySet<string> = new Set(['query', 'variables', 'operationName'])
const jsonLimits = { maxDepth: 64 }

function refuse(detail: string, code: IdentifyRefusal['code'] = 'not_understood'): Identified {
  return { ok: false, refusal: { code, detail } }
}

export function graphqlIdentify(
  catalogue: GraphqlCatalogue,
): (request: ProviderRequest) => Identified {
  // What was understood is kept by the whole body, which alone decides about it, and what depends on the document only by
  // that, where there are variables. Not the bodies of mutations with variables: they seldom come again, and a secret that
  // is being set stands in them.
  const bodies = cacheByBytes<Identified>()
  const prepared = cacheByText<Prepared>()

  function prepare(text: string, operationName: string | undefined): Prepared {
    const plan = analyse(catalogue, text, operationName)
    return { plan, query: plan.ok ? JSON.stringify(plan.printed) : '' }
  }

  function prepareOnce(text: string, operationName: string | undefined): Prepared {
    // A NUL cannot stand in an operation name that exists, and the name comes first: no two pairs share a key.
    const key = operationName === undefined ? `\0${text}` : `${operationName}\0${text}`
    const place = prepared(key)
    if (place.found !== undefined) return place.found
    const entry = prepare(text, operationName)
    place.keep(entry)
    return entry
  }

  return function identify(request) {
    const refused = checkRequest(catalogue, request)
    if (refused !== undefined) return refused
    const place = bodies(request.body)
    if (place.found !== undefined) return place.found
    const envelope = openEnvelope(request.body)
    if ('ok' in envelope) return envelope
    const { query, operationName, variables } = envelope
    const alone = variables === undefined
    const entry = alone ? prepare(query, operationName) : prepareOnce(query, operationName)
    const identified = entry.plan.ok
      ? apply(catalogue, entry.plan, entry.query, operationName, variables)
      : entry.plan
    if (alone || (entry.plan.ok && entry.plan.root === 'query')) place.keep(identified)
    return identified
  }
}

type Envelope = {
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: JsonObject | undefined
}

/** Everything about a request that is not in its body. */
function checkRequest(
  catalogue: GraphqlCatalogue,
  request: ProviderRequest,
): Identified | undefined {
  if (request.path !== catalogue.path)
    return refuse(`${catalogue.provider} answers on ${catalogue.path} only.`)
  if (request.method !== 'POST')
    return refuse('GraphQL is understood as POST only; send it as a POST.', 'method_not_allowed')
  // Some servers read the document from the URL first, whatever the body says.
  if (request.query !== undefined)
    return refuse('A GraphQL request has no query in its URL; send the document in the body.')
  if (request.headers['content-encoding'] !== undefined)
    return refuse('Send the body without Content-Encoding.', 'unsupported_media_type')
  const mediaType = request.headers['content-type']
  if (
    mediaType !== 'application/json' &&
    (mediaType === undefined || !jsonMediaType.test(mediaType))
  )
    return refuse(
      "Send the body as JSON and say so: -H 'Content-Type: application/json' (curl -d alone calls it a form).",
      'unsupported_media_type',
    )
  if (request.body.length > catalogue.bodyLimit)
    return refuse('The body is larger than what is read here.', 'payload_too_large')
  return undefined
}

function openEnvelope(bytes: Buffer): Envelope | Extract<Identified, { ok: false }> {
  const refuse = (detail: string) =>
    ({ ok: false, refusal: { code: 'not_understood', detail } }) as const

  const json = parseJson(bytes, jsonLimits)
  if (!json.ok) return refuse(`The body is not JSON that can be relied on: ${quote(json.detail)}`)
  const body = json.value
  if (Array.isArray(body)) return refuse('Batches are refused; send one operation per request.')
  if (body === null || typeof body !== 'object') return refuse('The body is not a JSON object.')
  for (const key of Object.keys(body)) {
    if (!bodyKeys.has(key))
      return refuse(
        `The body has the key "${quote(key)}"; only query, variables and operationName are understood (persisted queries and extensions are refused).`,
      )
  }
  const { query, operationName, variables } = body
  if (typeof query !== 'string') return refuse('The body has no GraphQL document under "query".')
  if (operationName !== undefined && operationName !== null) {
    if (typeof operationName !== 'string' || !/^[_A-Za-z][_0-9A-Za-z]{0,199}$/.test(operationName))
      return refuse('operationName is not a GraphQL name; leave it out where there is none.')
  }
  // A string with JSON inside is what many servers accept and a reader of objects overlooks.
  if (variables !== undefined && variables !== null) {
    if (typeof variables !== 'object' || Array.isArray(variables))
      return refuse('variables is not a JSON object.')
  }
  return {
    query,
    operationName: operationName ?? undefined,
    variables: variables == null || Object.keys(variables).length === 0 ? undefined : variables,
  }
}

function apply(
  catalogue: GraphqlCatalogue,
  plan: Understood,
  query: string,
  operationName: string | undefined,
  variables: JsonObject | undefined,
): Identified {
  for (const name of Object.keys(variables ?? {})) {
    if (!plan.variableNames.has(name))
      return refuse(`The operation declares no variable "${quote(name)}".`)
  }
  const coerced = getVariableValues(catalogue.schema, plan.variables, variables ?? {}, {
    maxErrors: 1,
    hideSuggestions: true,
  })
  if (coerced.errors !== undefined)
    return refuse(`The variables do not fit: ${quote(coerced.errors[0]?.message ?? 'invalid')}`)

  const invocations: Invocation[] = []
  let ids = 0
  for (const root of plan.roots) {
    const invocation = invoke(root, coerced.variableValues)
    if (typeof invocation === 'string') return refuse(invocation)
    ids += invocation.resources.length
    if (ids > documentLimits.ids)
      return refuse(`The request names more than ${documentLimits.ids} ids.`)
    invocations.push(invocation)
  }
  for (const name of plan.introspection) invocations.push(metadata(name, plan))
  if (invocations.length === 0) invocations.push(metadata('__typename', plan))

  const parts = [`"query":${query}`]
  if (variables !== undefined) parts.push(`"variables":${JSON.stringify(variables)}`)
  if (operationName !== undefined) parts.push(`"operationName":"${operationName}"`)
  return {
    ok: true,
    invocations,
    request: {
      method: 'POST',
      target: catalogue.path,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(`{${parts.join(',')}}`),
    },
  }
}

function invoke(root: PlannedRoot, variables: VariableValues): Invocation | string {
  let args: JsonObject
  try {
    // What graphql-js coerces out of JSON and literals is JSON again: the schema's own scalars are taken as they come.
    args = getArgumentValues(root.definition, root.node, variables) as JsonObject
  } catch (error) {
    return `The arguments do not fit: ${quote(error instanceof Error ? error.message : 'invalid')}`
  }
  const read = readArguments(root.field, args)
  if (!read.ok) return read.detail
  const { conditions } = root.field
  const { added: more, widens } =
    conditions === undefined ? noConsequences : consequences(conditions, args)
  const invocation: Invocation = {
    operation: root.field.operation,
    root: root.field.root,
    effects: root.field.effects,
    added: addedBy(read.added, more, root.secret),
    scope: root.field.scope,
    arguments: args,
    resources: read.resources,
    widens: widens.length === 0 ? root.widens : [...root.widens, ...widens],
    responseKey: root.responseKey,
  }
  return root.secretPaths.length === 0
    ? invocation
    : { ...invocation, secretPaths: root.secretPaths }
}

const noConsequences: Consequences = { added: [], widens: [] }
const nothingAdded: readonly Effect[] = []

/** Most invocations add nothing and share one list: what is kept of a document is kept for each of its roots. */
function addedBy(
  own: readonly Effect[],
  more: readonly Effect[],
  secret: boolean,
): readonly Effect[] {
  if (own.length === 0 && more.length === 0 && !secret) return nothingAdded
  const added = new Set([...own, ...more])
  if (secret) added.add('secret')
  return [...added]
}

/** Reviewed metadata that touches nothing: a document's `__typename` alone, and the provider's own schema. */
function metadata(operation: string, plan: Understood): Invocation {
  return {
    operation,
    root: plan.root,
    effects: ['read'],
    added: [],
    scope: 'public',
    arguments: {},
    resources: [],
    widens: [],
  }
}

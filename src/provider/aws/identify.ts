/**
 * Turns a request of an AWS SDK into the one operation it is. Which service and region it is for stands in the scope of
 * its signature; which operation, in the path and query (S3), in `X-Amz-Target` (DynamoDB) or in the form's `Action` (the
 * rest). Where a request says it twice it is refused: what the one reader takes, the other may not.
 */
import { parseJson } from '../../core/json.ts'
import { consequences } from '../../core/condition.ts'
import type { JsonObject } from '../../core/operation.ts'
import type { Identified, ProviderRequest, RebuiltRequest } from '../adapter.ts'
import { quoted, refuse, type Refused } from '../rest/refusal.ts'
import { awsService, type AwsOperation, type Service } from './catalogue.ts'
import { argumentsOf, readForm, writeForm, type Dialect } from './form.ts'
import type { Destination } from './hosts.ts'
import { flawOf } from './json-body.ts'
import { resourcesOf, unresolvable } from './resources.ts'
import { readS3 } from './s3.ts'
import { readScope, scopeField } from './scope.ts'

/** In bytes; the broker reads no more of any provider's request. */
export const bodyLimit = 2 * 1024 * 1024

const targetPrefix = 'DynamoDB_20120810.'
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE'])

type Read =
  | {
      readonly ok: true
      readonly operation: AwsOperation
      readonly args: JsonObject
      readonly source?: string | undefined
      readonly request: RebuiltRequest
    }
  | Refused

const not = (detail: string): Refused => refuse('not_understood', detail)

export function identifyAws(request: ProviderRequest): Identified {
  const { headers } = request
  if (!methods.has(request.method))
    return refuse('method_not_allowed', `The method ${quoted(request.method)} is none of AWS's.`)
  if (
    /(?:^|&)x-amz-(?:signature|credential|security-token|algorithm)/i.test(decoded(request.query))
  ) {
    return not(
      'A signature or a token in the query is not read here; sign with the Authorization field.',
    )
  }
  const scope = readScope(headers['authorization'])
  if (!scope.ok) return scope
  const { destination } = scope
  if (request.body.length > bodyLimit)
    return refuse('payload_too_large', `A body of more than ${bodyLimit} bytes is not read here.`)
  if (headers['x-amz-target'] !== undefined && destination.service !== 'dynamodb')
    return not(
      `X-Amz-Target names an operation, and ${destination.service} takes it from elsewhere.`,
    )
  const service = awsService(destination.service)
  const read = readOperation(service, request)
  if (!read.ok) return read
  const { operation, args, source } = read
  const { added, widens } = consequences(operation.conditions, args)
  const resources =
    operation.scope === 'environment' ? resourcesOf(service, operation, args, source) : []
  return {
    ok: true,
    invocations: [
      {
        operation: operation.name,
        effects: operation.effects,
        added,
        scope: operation.scope,
        arguments: args,
        resources: [...resources, regionOf(destination)],
        widens: [...widens, ...unresolvable(resources)],
      },
    ],
    request: {
      ...read.request,
      signing: destination,
      readBy: { authorization: scopeField(destination) },
    },
  }
}

/** Carried as a resource, so that locating needs nothing but the invocation. */
function regionOf({ service, region }: Destination) {
  return { kind: 'scope', id: `${service}/${region}`, role: 'environment', path: '' } as const
}

function decoded(query: string | undefined): string {
  try {
    return decodeURIComponent(query ?? '')
  } catch {
    return query ?? ''
  }
}

function readOperation(service: Service, request: ProviderRequest): Read {
  switch (service.protocol) {
    case 'ec2':
    case 'query':
      return readQueryProtocol(service, service.protocol, request)
    case 'json':
      return readJsonProtocol(service, request)
    case 'rest-xml': {
      const read = readS3(service, request)
      if (!read.ok) return read
      const { operation, args, source, target, headers, body } = read
      return {
        ok: true,
        operation,
        args,
        source,
        request: { method: request.method, target, headers, body },
      }
    }
  }
}

/** What both protocols of one path have in common. */
function readEnvelope(
  service: Service,
  request: ProviderRequest,
  mediaType: RegExp,
): Refused | undefined {
  const { method, path, query, headers } = request
  if (method !== 'POST')
    return refuse('method_not_allowed', `${service.name} is asked with POST only.`)
  if (path !== '/' || (query !== undefined && query !== ''))
    return not(
      `${service.name} is asked at the path "/", without a query: its arguments stand in the body.`,
    )
  if (headers['content-encoding'] !== undefined)
    return refuse(
      'unsupported_media_type',
      'A body with a content-encoding is not read here; send it as it is.',
    )
  if (!mediaType.test(headers['content-type'] ?? ''))
    return refuse('unsupported_media_type', `The body of ${service.name} has another content-type.`)
  return undefined
}

const formType = /^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i
const jsonType = /^application\/x-amz-json-1\.0$/i

function find(service: Service, name: string | undefined): AwsOperation | Refused {
  const operation = name === undefined ? undefined : service.operations.get(name)
  if (operation === undefined)
    return refuse('operation_unknown', `${quoted(name ?? '')} is no operation of ${service.name}.`)
  if (operation.denied !== undefined)
    return refuse(
      'operation_unknown',
      `${operation.name} is refused to everyone: ${operation.denied}.`,
    )
  return operation
}

function readQueryProtocol(service: Service, dialect: Dialect, request: ProviderRequest): Read {
  const flaw = readEnvelope(service, request, formType)
  if (flaw !== undefined) return flaw
  // Read as bytes: what is not ASCII is refused with the rest.
  const form = readForm(request.body.toString('latin1'))
  if (!form.ok) return form
  const fields = new Map(form.fields)
  const action = fields.get('Action')
  const version = fields.get('Version')
  fields.delete('Action')
  fields.delete('Version')
  const operation = find(service, action)
  if ('ok' in operation) return operation
  if (version !== service.version)
    return not(`The version of ${service.name} that is read here is ${service.version}.`)
  const read = argumentsOf(fields, operation.input, service.shapes, dialect)
  if (!read.ok) return read
  const head = [
    ['Action', action ?? ''],
    ['Version', service.version],
  ] as const
  const text = writeForm(head, read.args, operation.input, service.shapes, dialect)
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return {
    ok: true,
    operation,
    args: read.args,
    request: { method: 'POST', target: '/', headers, body: Buffer.from(text) },
  }
}

function readJsonProtocol(service: Service, request: ProviderRequest): Read {
  const flaw = readEnvelope(service, request, jsonType)
  if (flaw !== undefined) return flaw
  const target = request.headers['x-amz-target'] ?? ''
  const name = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : undefined
  const operation = find(service, name)
  if ('ok' in operation) return operation
  const parsed = parseJson(request.body)
  if (!parsed.ok) return not(parsed.detail)
  const { value } = parsed
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return not('The body is a JSON object.')
  const wrong =
    operation.input === undefined
      ? undefined
      : flawOf(value, { type: operation.input }, service.shapes, '')
  if (wrong !== undefined) return not(`In the body of ${operation.name}: ${wrong}.`)
  return {
    ok: true,
    operation,
    args: value,
    request: {
      method: 'POST',
      target: '/',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
      body: Buffer.from(JSON.stringify(value)),
    },
  }
}

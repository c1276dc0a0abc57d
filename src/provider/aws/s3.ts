/**
 * S3: the operation from method, path, marking parameters and one header; the body in XML, in JSON (a policy) or as the
 * bytes of an object, plain or in chunks. Rebuilt from what was read: nothing of a path, a query, an XML document or a
 * chunk's frame goes out as it came.
 */
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { parseJson } from '../../core/json.ts'
import type { JsonObject, JsonValue } from '../../core/operation.ts'
import type { ProviderRequest } from '../adapter.ts'
import { readQuery } from '../rest/query.ts'
import { quoted, refuse, type Refused } from '../rest/refusal.ts'
import type { AwsOperation, Service } from './catalogue.ts'
import { isChunked, readChunked } from './chunked.ts'
import { encode } from './form.ts'
import { encodeKey, readCopySource, readObjectPath } from './s3-bucket.ts'
import { findRoute, s3Routes, type Named, type Route, type Routes } from './s3-route.ts'
import { readScalar } from './scalar.ts'
import { isScalar } from './shape.ts'
import { readXmlBody, writeXmlBody } from './xml-body.ts'

export type ReadS3 = {
  readonly ok: true
  readonly operation: AwsOperation
  readonly args: JsonObject
  /** The bucket that is copied from. */
  readonly source: string | undefined
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/** Fields of the SDKs and of the signature, which is made anew: they say nothing about what is asked. */
const transport = new Set([
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-user-agent',
])
/** Sums over bytes that are written anew. */
const sums = /^(?:content-md5|x-amz-checksum-|x-amz-sdk-checksum-algorithm$)/
const fieldText = /^[\x20-\x7e]{0,8192}$/
const oneRange = /^bytes=[0-9]{0,15}-[0-9]{0,15}$/

const not = (detail: string): Refused => refuse('not_understood', detail)

let routes: Routes | undefined

export function readS3(service: Service, request: ProviderRequest): ReadS3 | Refused {
  const path = readObjectPath(request.path)
  if (!path.ok) return path
  const { bucket, key } = path.name
  if (/(?:^|&)x-amz-/i.test(request.query ?? '')) {
    return not(
      'An address that is signed in its query (presigned) is not read here; sign with the Authorization field.',
    )
  }
  routes ??= s3Routes(service)
  const query = readQuery(request.query, routes.parameters)
  if (!query.ok) return query
  // Every parameter was read as a text.
  const parameters = new Map(query.values as ReadonlyMap<string, string>)
  const id = parameters.get('x-id')
  parameters.delete('x-id')
  const depth = bucket === undefined ? 'service' : key === undefined ? 'bucket' : 'object'
  const route = findRoute(routes, request.method, depth, parameters, request.headers)
  if (route === undefined) {
    return refuse(
      'operation_unknown',
      'No operation of S3 has this method, path and query, or more than one has.',
    )
  }
  const { operation } = route
  if (operation.denied !== undefined)
    return refuse(
      'operation_unknown',
      `${operation.name} is refused to everyone: ${operation.denied}.`,
    )
  if (id !== undefined && operation.name !== `s3/${id}`)
    return not(`The query says that this is ${quoted(id)}, and it is ${operation.name}.`)

  const args: JsonObject = {
    ...(bucket === undefined ? {} : { Bucket: bucket }),
    ...(key === undefined ? {} : { Key: key }),
  }
  const flaw = readParameters(route, parameters, args)
  if (flaw !== undefined) return flaw
  const plain = plainOf(route, request)
  if ('ok' in plain) return plain
  const headers = readHeaders(route, plain.headers, args)
  if (!headers.ok) return headers
  const body = readBody(route, service, plain.body, args)
  if (!body.ok) return body
  const kept = Object.entries(headers.headers).filter(
    ([name]) => !(body.rewritten && sums.test(name)),
  )
  return {
    ok: true,
    operation,
    args,
    source: headers.source,
    target: targetOf(bucket, key, route, parameters),
    headers: { ...Object.fromEntries(kept), ...body.headers },
    body: body.bytes,
  }
}

/** The request without the framing of its body, where it has one of its own. */
function plainOf(
  { operation, payload }: Route,
  { headers, body }: ProviderRequest,
): Pick<ProviderRequest, 'headers' | 'body'> | Refused {
  if (!isChunked(headers)) return { headers, body }
  if (payload?.type !== 'x') {
    return refuse(
      'unsupported_media_type',
      `A body in chunks (aws-chunked) is read where it is an object, and ${operation.name} takes none; send it as it is.`,
    )
  }
  const read = readChunked(headers, body)
  return read.ok ? { headers: read.headers, body: read.body } : read
}

function readParameters(
  route: Route,
  parameters: ReadonlyMap<string, string>,
  args: JsonObject,
): Refused | undefined {
  for (const [wire, text] of parameters) {
    const member = route.query.get(wire)
    if (member === undefined) continue
    const value = scalarOf(member, text)
    if (value === undefined)
      return not(`The query parameter ${quoted(wire)} is not a value of its type.`)
    args[member.name] = value
  }
  return undefined
}

function scalarOf({ type }: Named, text: string): JsonValue | undefined {
  return isScalar(type) ? readScalar(text, type) : text
}

type ReadHeaders = {
  readonly ok: true
  readonly headers: Record<string, string>
  readonly source: string | undefined
}

function readHeaders(
  route: Route,
  given: Readonly<Record<string, string>>,
  args: JsonObject,
): ReadHeaders | Refused {
  const headers: Record<string, string> = {}
  const metadata: JsonObject = {}
  let source: string | undefined
  for (const [name, text] of Object.entries(given)) {
    const member = route.headers.get(name)
    if (name === 'content-length' || transport.has(name)) continue
    // A sum that the operation does not know is of a body that is written anew.
    if (member === undefined && sums.test(name)) continue
    const meta = name.startsWith('x-amz-meta-') && route.metadata !== undefined
    if (member === undefined && !meta) {
      if (name.startsWith('x-amz-'))
        return not(`The header ${quoted(name)} is not one of ${route.operation.name}'s.`)
      if (name === 'range') return not(`${route.operation.name} does not answer parts (Range).`)
      continue
    }
    if (!fieldText.test(text))
      return not(`The header ${quoted(name)} is not in a form that is read here.`)
    if (member === undefined) {
      metadata[name.slice('x-amz-meta-'.length)] = text
      headers[name] = text
      continue
    }
    if (name === 'range' && !oneRange.test(text)) return not('One range of bytes is read here.')
    if (name === 'x-amz-copy-source') {
      const read = readCopySource(text)
      if (!read.ok) return read
      source = read.bucket
      args[member.name] = read.text
      headers[name] = read.text
      continue
    }
    const value = scalarOf(member, text)
    if (value === undefined) return not(`The header ${quoted(name)} is not a value of its type.`)
    args[member.name] = value
    headers[name] = text
  }
  if (route.metadata !== undefined && Object.keys(metadata).length > 0)
    args[route.metadata] = metadata
  return { ok: true, headers, source }
}

type ReadBody = {
  readonly ok: true
  readonly bytes: Buffer | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Written by us, so that sums of what came no longer hold. */
  readonly rewritten: boolean
}

function readBody(
  route: Route,
  service: Service,
  body: Buffer,
  args: JsonObject,
): ReadBody | Refused {
  const { payload, operation } = route
  if (payload === undefined) {
    return body.length === 0
      ? { ok: true, bytes: undefined, headers: {}, rewritten: false }
      : not(`${operation.name} takes no body.`)
  }
  // The bytes of an object: whatever they are, they are data.
  if (payload.type === 'x') return { ok: true, bytes: body, headers: {}, rewritten: false }
  if (body.length === 0) {
    return payload.required
      ? not(`${operation.name} needs a body.`)
      : { ok: true, bytes: undefined, headers: {}, rewritten: true }
  }
  if (payload.type === 's') {
    const parsed = parseJson(body)
    if (!parsed.ok) return not(parsed.detail)
    const text = JSON.stringify(parsed.value)
    args[payload.name] = text
    return written(text, 'application/json')
  }
  if (!isUtf8(body)) return not('The body is not valid UTF-8.')
  const root = { name: payload.wire ?? payload.name, reference: payload }
  const read = readXmlBody(body.toString('utf8'), root, service.shapes)
  if (!read.ok) return not(`In the body of ${operation.name}: ${read.detail}.`)
  args[payload.name] = read.value
  return written(writeXmlBody(read.value, root, service.shapes), 'application/xml')
}

function written(text: string, type: string): ReadBody {
  const bytes = Buffer.from(text)
  const md5 = createHash('md5').update(bytes).digest('base64')
  // Some of these operations are refused without a sum; it proves nothing to anyone but that the bytes arrived.
  return { ok: true, bytes, headers: { 'content-type': type, 'content-md5': md5 }, rewritten: true }
}

function targetOf(
  bucket: string | undefined,
  key: string | undefined,
  route: Route,
  parameters: ReadonlyMap<string, string>,
): string {
  const path =
    bucket === undefined ? '/' : key === undefined ? `/${bucket}` : `/${bucket}/${encodeKey(key)}`
  const query = new Map([...route.marks].map(([name, value]) => [name, value ?? '']))
  for (const [name, value] of parameters) query.set(name, value)
  const text = [...query].map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  return text === '' ? path : `${path}?${text}`
}

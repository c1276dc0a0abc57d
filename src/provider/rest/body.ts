/**
 * Reads the body of a REST request into the value that is decided on, and writes it anew from that value (I5). A body is
 * read only where it is labelled as what the operation takes.
 */
import { isUtf8 } from 'node:buffer'
import { parseJson } from '../../core/json.ts'
import type { JsonObject, JsonValue } from '../../core/operation.ts'
import type { ProviderRequest } from '../adapter.ts'
import type { RestOperation } from './catalogue.ts'
import { readForm } from './form.ts'
import { jsonLabel } from './media-type.ts'
import { quoted, refuse, type Refused } from './refusal.ts'

const maxJsonDepth = 64
const jsonType = 'application/json; charset=utf-8'
const formType = 'application/x-www-form-urlencoded'

export type Body = {
  readonly ok: true
  readonly value: JsonValue | undefined
  readonly bytes: Buffer | undefined
  readonly mediaType: string
  /** An upload: the bytes pass as they are, and nothing of them was read. */
  readonly opaque?: boolean
}

export function readBody(
  operation: RestOperation,
  rules: {
    readonly bodyLimit: number
    readonly jsonTypes?: readonly string[]
    readonly yamlTypes?: readonly string[]
  },
  request: ProviderRequest,
): Body | Refused {
  const { body, headers } = request
  const coding = headers['content-encoding']
  if (coding !== undefined) {
    return refuse(
      'unsupported_media_type',
      'A body with a content-encoding is not read here; send it as it is.',
    )
  }
  // Octokit labels the empty body of a PUT; there is nothing to be misread.
  if (body.length === 0)
    return { ok: true, value: undefined, bytes: undefined, mediaType: jsonType }
  if (body.length > rules.bodyLimit) {
    return refuse(
      'payload_too_large',
      `A body of more than ${rules.bodyLimit} bytes is not read here.`,
    )
  }
  const upload = readUpload(operation, request)
  if (upload !== undefined) return upload
  const members = operation.body
  if (members === undefined) return refuse('not_understood', `${operation.name} takes no body.`)
  if (operation.form) return readFormBody(operation, request)
  const label = headers['content-type']
  const yaml = label !== undefined && rules.yamlTypes?.includes(label) === true
  const own = yaml || rules.jsonTypes?.includes(label ?? '') === true ? label : undefined
  switch (own === undefined ? jsonLabel(label) : 'json') {
    case 'missing':
      return refuse(
        'unsupported_media_type',
        'The body has no content-type; label JSON as "application/json".',
      )
    case 'other':
      return refuse(
        'unsupported_media_type',
        `${operation.name} takes "application/json", in UTF-8, and nothing else.`,
      )
    case 'json':
  }
  const parsed = parseJson(body, { maxDepth: maxJsonDepth })
  if (!parsed.ok) {
    const hint = yaml ? ` YAML is read here where it is written as JSON, which is YAML too.` : ''
    return refuse('not_understood', `${parsed.detail}${hint}`)
  }
  const { value } = parsed
  if (yaml && hasMergeKey(value))
    return refuse('not_understood', 'A member "<<" merges another into its object in YAML.')
  // A list has no members that could be known or unknown: only where any body may come.
  if (members !== 'any') {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return refuse('not_understood', `The body of ${operation.name} must be a JSON object.`)
    }
    const unknown = unknownMember(value, members)
    if (unknown !== undefined) return notAMember(unknown, operation)
  }
  return {
    ok: true,
    value,
    bytes: Buffer.from(yaml ? jsonAsYaml(value) : JSON.stringify(value)),
    mediaType: own ?? jsonType,
  }
}

/** What YAML reads otherwise inside of quotes than JSON does: line breaks of its own, and what it does not allow. */
const unlikeJson = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g

function jsonAsYaml(value: JsonValue): string {
  return JSON.stringify(value).replace(
    unlikeJson,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function hasMergeKey(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '<<') || Object.values(value).some(hasMergeKey)
}

/** RFC 2046 section 5.1.1, less what would have to be quoted: two readers must not find two boundaries. */
const multipart =
  /^multipart\/form-data;[ \t]*boundary=(?:"([A-Za-z0-9_.+'-]{1,70})"|([A-Za-z0-9_.+'-]{1,70}))$/i

/** A body of parts, files among them. It passes unread, with its one boundary; the operation must be known to take it. */
function readUpload(
  operation: RestOperation,
  request: ProviderRequest,
): Body | Refused | undefined {
  const label = request.headers['content-type'] ?? ''
  if (!operation.upload.includes('multipart/form-data') || !/^\s*multipart\//i.test(label))
    return undefined
  const match = multipart.exec(label)
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) {
    return refuse(
      'unsupported_media_type',
      `${operation.name} takes "multipart/form-data" with one plain boundary.`,
    )
  }
  return {
    ok: true,
    value: undefined,
    bytes: request.body,
    mediaType: `multipart/form-data; boundary=${boundary}`,
    opaque: true,
  }
}

function readFormBody(operation: RestOperation, request: ProviderRequest): Body | Refused {
  const { body, headers } = request
  if (
    !/^application\/x-www-form-urlencoded(?:;[ \t]*charset=utf-8)?$/i.test(
      headers['content-type'] ?? '',
    )
  ) {
    return refuse(
      'unsupported_media_type',
      `${operation.name} takes "${formType}", in UTF-8, and nothing else.`,
    )
  }
  // What need not be encoded may come as it is (`curl -d 'name=Zoë Y'`); it leaves encoded.
  if (!isUtf8(body)) return refuse('not_understood', 'The form is not valid UTF-8.')
  const form = readForm(body.toString('utf8'))
  if (!form.ok) return form
  const unknown =
    operation.body === undefined || operation.body === 'any'
      ? undefined
      : unknownMember(form.value, operation.body)
  if (unknown !== undefined) return notAMember(unknown, operation)
  return { ok: true, value: form.value, bytes: Buffer.from(form.encoded), mediaType: formType }
}

function unknownMember(value: JsonObject, members: ReadonlySet<string>): string | undefined {
  return Object.keys(value).find((name) => !members.has(name))
}

function notAMember(name: string, operation: RestOperation): Refused {
  return refuse(
    'not_understood',
    `${quoted(name)} is not a member of the body of ${operation.name}.`,
  )
}

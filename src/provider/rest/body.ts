/**
 * Reads the body of a REST request into the value that is decided on, and writes it anew from that value (I5). A body is
 * read only where it is labelled as what the operation takes.
 */
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
}

export function readBody(
  operation: RestOperation,
  rules: { readonly bodyLimit: number; readonly jsonTypes?: readonly string[] },
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
  const members = operation.body
  if (members === undefined) return refuse('not_understood', `${operation.name} takes no body.`)
  if (operation.form) return readFormBody(operation, request)
  const label = headers['content-type']
  const own = label === undefined ? undefined : rules.jsonTypes?.find((type) => type === label)
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
  if (!parsed.ok) return refuse('not_understood', parsed.detail)
  const { value } = parsed
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
    bytes: Buffer.from(JSON.stringify(value)),
    mediaType: own ?? jsonType,
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
  const form = readForm(body.toString('latin1'))
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

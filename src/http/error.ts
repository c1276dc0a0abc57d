/**
 * The one place where an error becomes an answer. What is expected is a `Problem`; what Fastify refuses by itself is
 * translated; anything else is `internal`, with its cause in the log and nothing of it in the answer.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { AuditUnavailable } from '../audit/log.ts'
import { Problem, problemBody, problems, type FieldError, type ProblemCode } from '../problem.ts'
import type { ErrorAnswer } from '../provider/adapter.ts'

/** The problem's code, for whoever has no body to read it in (HEAD) or is given another form of it. */
const problemHeader = 'valetkey-problem'

type Validation = {
  readonly instancePath: string
  readonly keyword: string
  readonly message?: string
  readonly params: Record<string, unknown>
}

export function sendProblem(
  reply: FastifyReply,
  problem: Problem,
  correlationId: string,
  /** Another form, around the problem, for clients that read no other. */
  form?: (problem: Readonly<Record<string, unknown>>) => ErrorAnswer | undefined,
): FastifyReply {
  if (problem.code === 'rate_limited' || problem.code === 'unavailable')
    void reply.header('retry-after', '1')
  const body = problemBody(problem.code, problem.details, correlationId)
  const answer = form?.(body) ?? {
    contentType: 'application/problem+json',
    body: JSON.stringify(body),
  }
  void reply
    .code(problems[problem.code].status)
    .header('content-type', answer.contentType)
    .header('cache-control', 'no-store')
    .header(problemHeader, problem.code)
  // RFC 9110 §9.3.2. Node, told to be strict, breaks the connection off where a body is written all the same.
  if (reply.request.method === 'HEAD')
    return reply.header('content-length', Buffer.byteLength(answer.body)).send()
  // Serialised by now: the schema of the route's answers must not decide what of a problem is shown.
  return reply.serializer((text: string) => text).send(answer.body)
}

export function toProblem(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error instanceof AuditUnavailable || isDatabaseGone(error)) {
    request.log.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'unavailable')
    return new Problem(
      'unavailable',
      'the database does not answer, and nothing is done without a record of it',
    )
  }
  const fastifyError = error as Partial<FastifyError> & {
    validation?: Validation[]
    validationContext?: string
  }
  if (Array.isArray(fastifyError.validation)) {
    return invalid(fastifyError.validation, fastifyError.validationContext ?? 'body')
  }
  const known = fastifyError.code === undefined ? undefined : fastifyCodes[fastifyError.code]
  if (known !== undefined) return new Problem(known.code, known.detail)
  const conflict = databaseConflict(error)
  if (conflict !== undefined) return conflict
  request.log.error({ err: error }, 'internal error')
  return new Problem('internal', 'the broker failed; its log says why, under this correlation id')
}

/** The whole answer, as bytes of HTTP/1.1, to what Node could not read as a request: `code` is Node's own. */
export function unreadable(code: string | undefined): string {
  const problem: Extract<ProblemCode, 'header_fields_too_large' | 'invalid_request'> =
    code === 'HPE_HEADER_OVERFLOW' ? 'header_fields_too_large' : 'invalid_request'
  const detail =
    code === 'HPE_HEADER_OVERFLOW'
      ? 'the header is larger than is read here'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'the request was not sent in time'
        : 'this is not HTTP/1.1 as it is read here'
  const { status } = problems[problem]
  const body = JSON.stringify(problemBody(problem, { detail }))
  return [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${String(Buffer.byteLength(body))}`,
    'cache-control: no-store',
    `${problemHeader}: ${problem}`,
    'connection: close',
    '',
    body,
  ].join('\r\n')
}

const fastifyCodes: Record<string, { code: ProblemCode; detail: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'payload_too_large',
    detail: 'the body is larger than is read here',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    detail: 'send the body as application/json',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid_request',
    detail: 'the body is not as long as Content-Length says',
  },
  FST_ERR_BAD_URL: { code: 'invalid_request', detail: 'the path is not valid percent-encoding' },
  FST_ERR_ROUTE_MISSING_CONTENT_TYPE: {
    code: 'unsupported_media_type',
    detail: 'send the body as application/json',
  },
}

function invalid(validation: readonly Validation[], context: string): Problem {
  const errors: FieldError[] = choicesTogether(validation)
    .slice(0, 20)
    .map((item) => {
      const member = item.params['additionalProperty'] ?? item.params['missingProperty']
      const pointer = `${item.instancePath}${typeof member === 'string' ? `/${escapePointer(member)}` : ''}`
      switch (item.keyword) {
        case 'additionalProperties':
          return { pointer, detail: 'is not a member that is known here' }
        case 'required':
          return { pointer, detail: 'is missing' }
        case 'const':
          return { pointer, detail: oneOf([item.params['allowedValue']]) }
        case 'enum':
          return { pointer, detail: oneOf(item.params['allowedValues']) }
        case 'discriminator':
          return {
            pointer: `${pointer}/${escapePointer(String(item.params['tag']))}`,
            detail: 'is none of those that are known here',
          }
        default:
          return { pointer, detail: item.message ?? 'is not valid' }
      }
    })
  const where = context === 'querystring' ? 'query' : context
  const [first] = errors
  return new Problem('invalid_request', {
    detail: `${where}${first === undefined ? '' : ` ${first.pointer === '' ? '' : `${first.pointer.slice(0, 100)} `}${first.detail}`}`,
    errors,
  })
}

/** The values are our schema's, and nobody else's. */
function oneOf(values: unknown): string {
  const all = Array.isArray(values) ? values.map((value) => JSON.stringify(value)) : []
  return all.length === 1 ? `must be ${all.join()}` : `must be one of ${all.join(', ')}`
}

/** A union of literals fails once for each of them, and once for itself: that is one mistake, with one way out. */
function choicesTogether(validation: readonly Validation[]): readonly Validation[] {
  const unions = validation.filter(
    ({ keyword, instancePath }) =>
      keyword === 'anyOf' &&
      validation.every(
        (each) => each.instancePath !== instancePath || ['const', 'anyOf'].includes(each.keyword),
      ),
  )
  const chosen = new Set(unions.map(({ instancePath }) => instancePath))
  return validation.flatMap((item) => {
    if (!chosen.has(item.instancePath)) return [item]
    if (item !== unions.find(({ instancePath }) => instancePath === item.instancePath)) return []
    const allowedValues = validation
      .filter((each) => each.instancePath === item.instancePath && each.keyword === 'const')
      .map(({ params }) => params['allowedValue'])
    return [{ ...item, keyword: 'enum', params: { allowedValues } }]
  })
}

function escapePointer(member: string): string {
  return member.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
}

function pgCode(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/**
 * SQLSTATE 23505 and 23503: a name that is taken, a reference to what is not there; and class 22: a value that no column
 * can hold, such as text with U+0000 or half a surrogate pair. The text of the error stays here.
 */
function databaseConflict(error: unknown): Problem | undefined {
  const code = pgCode(error)
  if (/^22[0-9A-Z]{3}$/.test(code ?? ''))
    return new Problem('invalid_request', 'it holds a value that cannot be stored')
  switch (code) {
    case '23505':
      return new Problem('conflict', 'something of this name is there already')
    case '23503':
      return new Problem('invalid_request', 'it names something that does not exist')
    default:
      return undefined
  }
}

function isDatabaseGone(error: unknown): boolean {
  const code = pgCode(error)
  if (code !== undefined && /^(08|57P|53|25006)/.test(code)) return true
  if (
    code !== undefined &&
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT'].includes(code)
  )
    return true
  // The driver's own time-outs carry a message and no code.
  return error instanceof Error && /timeout|connection|not queryable|socket/i.test(error.message)
}

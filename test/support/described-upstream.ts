/**
 * A provider as its own OpenAPI description says it is: Prism reads the description, holds every request against it and
 * answers with what the description gives as examples. Nothing in it was written by who wrote the broker, so a request
 * that it finds wrong was changed in meaning on its way: such a request is written down as a violation, and refused.
 */
import { createInstance, getHttpOperationsFromSpec } from '@stoplight/prism-http'
import { pino } from 'pino'
import {
  startRecordedServer,
  type Answered,
  type Recorded,
  type RecordedServer,
} from './recorded-server.ts'

type Json = Readonly<Record<string, unknown>>

export type DescribedOptions = {
  /** The whole description. Only what `paths` need of it is given to Prism, which is what makes it quick. */
  readonly description: Json
  /** Templates, as the description has them. */
  readonly paths: readonly string[]
  /** What the description's server has before its paths: `/v1`. */
  readonly prefix?: string
  /** The credential that every request has to carry, as a bearer. */
  readonly token: string
  /** What is known of this account, in place of the description's example: `described` is that one. */
  readonly state?: (request: Recorded, described: Answered) => Answered
}

export type Arrived = {
  /** The operationId of the description's operation that it was. */
  readonly operation: string
  /** Decoded: an encoded slash stands in it as a slash. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  /** JSON as its value, anything else as text. */
  readonly body?: unknown
}

export type DescribedUpstream = Omit<RecordedServer, 'take'> & {
  /** What arrived since it was last asked, in order. Fails the test where the description does not allow it. */
  take(): readonly Arrived[]
}

const silent = pino({ level: 'silent', customLevels: { success: 31 } })

export async function startDescribedUpstream(
  options: DescribedOptions,
): Promise<DescribedUpstream> {
  const { prefix = '', token, state } = options
  const described = await getHttpOperationsFromSpec(
    nullsSpelledOut(subset(options.description, options.paths)) as Json,
  )
  type Logger = Parameters<typeof createInstance>[1]['logger']
  type Config = Parameters<typeof createInstance>[0]
  const logger = silent as unknown as Logger
  // Made for each request: Prism writes into it.
  const config = (): Config => ({
    isProxy: false,
    mock: { dynamic: false },
    checkSecurity: false,
    validateRequest: true,
    validateResponse: false,
    errors: true,
    upstreamProxy: undefined,
  })
  const prism = createInstance(config(), { logger })
  for (const { method, path, request } of described) {
    const contents = request?.body?.contents ?? []
    if (!contents.some(({ mediaType }) => mediaType === 'application/json')) continue
    const asked = {
      method: method as 'post',
      url: { path: path.replace(/\{[^/}]+\}/g, '1') },
      headers: { 'content-type': 'application/json', 'content-length': '1' },
      body: 7,
    }
    // Prism takes a schema that it cannot compile for one that everything satisfies.
    const outcome = await prism.request(asked, described, config())()
    if (!JSON.stringify('left' in outcome ? outcome.left : outcome.right).includes('Request body'))
      throw new Error(`the body of ${method} ${path} would not be held against its schema`)
  }
  const templates = described
    .map(({ method, path, iid, id, request }) => ({
      method: method.toUpperCase(),
      name: iid ?? id,
      holes: path.split('{').length,
      pattern: new RegExp(`^${path.replace(/[.+]/g, '\\$&').replace(/\{[^/}]+\}/g, '[^/]+')}$`),
      query: new Set((request?.query ?? []).map(({ name }) => name.replace(/\[\]$/, ''))),
    }))
    .toSorted((one, other) => one.holes - other.holes)
  const names = new Map<Recorded, string>()

  const server = await startRecordedServer(async (request, violation) => {
    const refuse = (text: string): Answered => {
      violation(text)
      return { status: 400, headers: {}, json: { message: text } }
    }
    const { headers, body } = request
    const [target = '', queryText] = request.target.split('?')
    if (headers['authorization'] !== `Bearer ${token}`)
      return refuse('it does not carry the credential')
    if (!target.startsWith(prefix)) return refuse(`it is not below ${prefix}`)
    const path = target.slice(prefix.length)
    const found = templates.find(
      ({ method, pattern }) => method === request.method && pattern.test(path),
    )
    if (found !== undefined) names.set(request, found.name)
    const query = queryOf(queryText ?? '')
    for (const name of Object.keys(query)) {
      const known = found?.query.has(name.replace(/\[.*$/, ''))
      if (known === false) return refuse(`it has no query parameter ${name}`)
    }
    const asked = {
      method: request.method.toLowerCase() as 'get',
      url: { path, query },
      headers: headersOf(headers),
      ...(body.length === 0 ? {} : { body: bodyOf(request) }),
    }
    const outcome = await prism.request(asked, described, config())()
    if ('left' in outcome) return refuse(reasonOf(outcome.left))
    const { output, validations } = outcome.right
    if (validations.input.length > 0)
      return refuse(validations.input.map(({ message }) => message).join('; '))
    const answer = { status: output.statusCode, headers: {}, json: output.body }
    return state === undefined ? answer : state(request, answer)
  })
  return {
    ...server,
    take: () =>
      server.take().map((request): Arrived => {
        const [path = '', query] = request.target.split('?')
        return {
          operation: names.get(request) ?? 'none',
          path: decodeURIComponent(path),
          ...(query === undefined ? {} : { query: queryOf(query) }),
          ...(request.body.length === 0 ? {} : { body: bodyOf(request) }),
        }
      }),
  }
}

/** Where the description has no answer for what is wrong, Prism says in `additional` what it was. */
function reasonOf(error: Error & { readonly additional?: unknown }): string {
  const { additional, message } = error
  return additional === undefined ? message : `${message} ${JSON.stringify(additional)}`
}

function queryOf(text: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {}
  const params = new URLSearchParams(text)
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name)
    query[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  return query
}

/**
 * `accept` stays out: what GitHub's clients send there (`application/vnd.github.v3+json`) is in its documentation, not in
 * its description.
 */
function headersOf(headers: Recorded['headers']): Record<string, string> {
  const given = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' && name !== 'accept' ? [[name, value]] : [],
  )
  return Object.fromEntries(given)
}

function bodyOf({ headers, body }: Recorded): unknown {
  const isJson = /^application\/(?:[\w.+-]+\+)?json\b/.test(String(headers['content-type']))
  return isJson ? (JSON.parse(body.toString()) as unknown) : body.toString()
}

/** The description with these paths alone, and whatever they refer to, where it stood. */
function subset(description: Json, paths: readonly string[]): Json {
  const all = description['paths'] as Json
  const kept: Record<string, unknown> = {}
  const document: Record<string, unknown> = {
    openapi: description['openapi'],
    info: { title: 'a part', version: '1' },
    paths: kept,
  }
  const seen = new Set<string>()

  function follow(value: unknown): void {
    if (Array.isArray(value)) return value.forEach(follow)
    if (!isObject(value)) return
    const { $ref } = value
    if (typeof $ref === 'string' && !seen.has($ref)) {
      seen.add($ref)
      follow(copy($ref))
    }
    Object.values(value).forEach(follow)
  }

  /** Puts what a pointer (RFC 6901) names into the new document, and returns it. */
  function copy(pointer: string): unknown {
    const steps = pointer
      .slice(2)
      .split('/')
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'))
    let from: unknown = description
    let to: unknown = document
    for (const [i, step] of steps.entries()) {
      from = isObject(from) ? from[step] : undefined
      if (from === undefined || !isObject(to)) throw new Error(`${pointer} refers to nothing`)
      const last = i === steps.length - 1
      if (last || to[step] === undefined) to[step] = last ? from : {}
      to = to[step]
    }
    return from
  }

  for (const path of paths) {
    if (all[path] === undefined) throw new Error(`the description has no ${path}`)
    kept[path] = all[path]
    follow(all[path])
  }
  return document
}

/**
 * `nullable` beside no `type` (`{"oneOf": […], "nullable": true}`) is nothing that Prism's validator can compile; this is
 * what is meant by it.
 */
function nullsSpelledOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nullsSpelledOut)
  if (!isObject(value)) return value
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, nullsSpelledOut(member)]),
  )
  if (typeof nullable !== 'boolean') return nullable === undefined ? rest : { ...rest, nullable }
  if (rest['type'] !== undefined) return { ...rest, nullable }
  return nullable ? { anyOf: [rest, { enum: [null] }] } : rest
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

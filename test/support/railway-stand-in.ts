/**
 * A stand-in for Railway on loopback: the real schema's types over a world with state, executed by graphql-js. It is as
 * loose as the real one is about what it accepts (any media type, GET, batches, any path below `/graphql/`), so that
 * what a test finds refused was refused by the broker. It writes down every request it got, looked-up or forwarded.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema, graphql } from 'graphql'
import { railwayRoot, type RailwayToken } from './railway-root.ts'
import type { RailwayWorld } from './railway-world.ts'

export type StandInRequest = {
  readonly method: string
  readonly url: string
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export type RailwayStandInOptions = {
  readonly token: RailwayToken
  /** The most that one page of a connection holds; 100 where absent. */
  readonly largestPage?: number
  /** 0, or absent, takes a free port. */
  readonly port?: number
}

export type RailwayStandIn = {
  readonly origin: string
  readonly world: RailwayWorld
  readonly log: StandInRequest[]
  /** Answers one GraphQL request without HTTP in between, as an authorised caller. */
  execute(request: unknown): Promise<unknown>
  close(): Promise<void>
}

const schema = buildSchema(
  readFileSync(new URL('../../src/provider/railway/schema.graphql', import.meta.url), 'utf8'),
  { assumeValid: true },
)

type Body = {
  query?: unknown
  variables?: Record<string, unknown> | null
  operationName?: string | null
}

/** Executes requests against a world, in process. */
export function railwayExecutor(
  world: RailwayWorld,
  token: RailwayToken,
  largestPage = 100,
): (request: unknown) => Promise<unknown> {
  const rootValue = railwayRoot(world, token, largestPage)
  return async (request) => {
    const { query, variables, operationName } = request as Body
    const result = await graphql({
      schema,
      source: String(query),
      rootValue,
      variableValues: variables ?? null,
      operationName: operationName ?? null,
    })
    // Null prototypes and undefined members do not survive the wire.
    return JSON.parse(JSON.stringify(result)) as unknown
  }
}

export async function startRailwayStandIn(
  world: RailwayWorld,
  options: RailwayStandInOptions,
): Promise<RailwayStandIn> {
  const log: StandInRequest[] = []
  const executeAs = (token: RailwayToken) => railwayExecutor(world, token, options.largestPage)
  const execute = executeAs(options.token)
  const server = createServer((request, response) => void handle(request, response))

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, json } = await answer(request)
      const body = Buffer.from(JSON.stringify(json))
      response
        .writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
        .end(body)
    } catch {
      response.writeHead(500).end()
    }
  }

  async function answer(request: IncomingMessage): Promise<{ status: number; json: unknown }> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const url = new URL(request.url ?? '/', 'http://stand-in')
    log.push({
      method: request.method ?? '',
      url: request.url ?? '',
      rawHeaders: [...request.rawHeaders],
      body,
    })
    if (!url.pathname.startsWith('/graphql/'))
      return { status: 404, json: { message: 'Not found' } }
    const { authorization, 'project-access-token': projectToken } = request.headers
    const own =
      authorization === `Bearer ${options.token.value}` || projectToken === options.token.value
    const minted = [...world.projectTokens.values()].find(({ value }) => value === projectToken)
    if (!own && minted === undefined)
      return { status: 200, json: { errors: [{ message: 'Not Authorized' }], data: null } }
    const run = own || minted === undefined ? execute : executeAs({ ...minted, kind: 'project' })
    const sent: unknown = body === '' ? Object.fromEntries(url.searchParams) : JSON.parse(body)
    const json = Array.isArray(sent) ? await Promise.all(sent.map(run)) : await run(sent)
    return { status: 200, json }
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    world,
    log,
    execute,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

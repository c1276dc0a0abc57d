/**
 * The server of `valetkey agent proxy`: takes a request with the local secret, puts the capability and a proof by its key
 * in the secret's place, and passes both ways on as they come. It reads no body and decides nothing: what is allowed, the
 * broker says. A request whose nonce was too old is sent once more only where its body is at hand; any other answer, a
 * refusal too, is the client's.
 */
import http from 'node:http'
import https from 'node:https'
import { problemBody, problems, type ProblemCode } from '../problem.ts'
import type { Prover } from './dpop-prover.ts'
import { Failure } from './failure.ts'
import type { HeldCapability } from './held-capability.ts'
import { createLocalDoor } from './local-door.ts'

/** Bytes of a body that is kept until it is known that it need not be sent again. */
const largestKept = 65_536

/** Of an answer: what is about the connection, and what is between this proxy and the broker. */
const dropped = new Set(['connection', 'dpop-nonce', 'keep-alive', 'trailer', 'transfer-encoding'])

export type LocalProxy = {
  readonly server: http.Server
  /** Admits requests from here on. `hosts`: see `createLocalDoor`. */
  open(hosts: ReadonlySet<string> | undefined): void
  close(): Promise<void>
}

export function createLocalProxy(options: {
  /** The broker's origin, and what it calls itself. */
  readonly url: string
  readonly issuer: string
  readonly secret: string
  readonly held: HeldCapability
  readonly prover: Prover
}): LocalProxy {
  const { url, issuer, held, prover } = options
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'https:'
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true })
  let door: ReturnType<typeof createLocalDoor> | undefined

  /** One request to the broker; resolves with its answer, whose body has not been read. */
  async function send(
    request: http.IncomingMessage,
    headers: readonly string[],
    carrier: { readonly name: string; readonly prefix: string },
    body: Buffer | undefined,
    capability: string,
    onRequest: (outgoing: http.ClientRequest) => void,
  ): Promise<http.IncomingMessage> {
    const method = request.method ?? 'GET'
    const target = request.url ?? '/'
    const uri = `${issuer}${target.split(/[?#]/)[0] ?? ''}`
    const proof = await prover.proof({ method, uri, capability })
    const carried =
      carrier.name === 'authorization' ? `DPoP ${capability}` : `${carrier.prefix}${capability}`
    return new Promise((resolve, reject) => {
      const outgoing = (secure ? https : http).request({
        agent,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port,
        method,
        path: target,
        setHost: false,
        headers: ['host', new URL(issuer).host, ...headers, carrier.name, carried, 'dpop', proof],
      })
      onRequest(outgoing)
      outgoing.on('response', resolve)
      outgoing.on('error', reject)
      if (body === undefined) request.pipe(outgoing)
      else outgoing.end(body)
    })
  }

  async function handle(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const { rawHeaders } = request
    const admitted = door?.({ rawHeaders, target: request.url ?? '' })
    if (admitted === undefined) return refuse(response, 'unavailable', 'it has not begun')
    if (!admitted.ok) return refuse(response, admitted.code, admitted.detail)
    const { headers, carrier } = admitted
    let current: http.ClientRequest | undefined
    // Whoever goes away does not keep the broker, nor the provider, busy.
    response.on('close', () => {
      if (!response.writableFinished) current?.destroy()
    })
    const onRequest = (outgoing: http.ClientRequest): void => {
      current = outgoing
    }
    await held.freshen()
    const body = await keptBody(request)
    let capability = await held.take()
    let answer = await send(request, headers, carrier, body, capability, onRequest)
    const problem = answer.headers['valetkey-problem']
    prover.told(nonceOf(answer))
    if (answer.statusCode === 401 && problem === 'dpop_nonce_required' && body !== undefined) {
      answer.resume()
      capability = await held.take()
      answer = await send(request, headers, carrier, body, capability, onRequest)
      prover.told(nonceOf(answer))
    }
    const refused = answer.headers['valetkey-problem']
    if (typeof refused === 'string' && refused.startsWith('capability_')) held.drop(capability)
    passOn(answer, response)
  }

  const server = http.createServer(
    { maxHeaderSize: 32_768, requestTimeout: 0, requireHostHeader: false },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        if (response.headersSent) return void response.destroy()
        // What the broker said about the capability is worth more than that there is none.
        const detail =
          error instanceof Failure ? error.message : `the broker at ${url} cannot be reached`
        refuse(response, 'unavailable', detail)
      })
    },
  )
  return {
    server,
    open(hosts) {
      door = createLocalDoor(options.secret, hosts)
    },
    close: () =>
      new Promise((resolve) => {
        agent.destroy()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function nonceOf(answer: http.IncomingMessage): string | undefined {
  const nonce = answer.headers['dpop-nonce']
  return typeof nonce === 'string' ? nonce : undefined
}

/** The body where it is none, or small and of a stated length; undefined where it is to be streamed. */
async function keptBody(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  if (coding !== undefined) return undefined
  if (length === undefined) return Buffer.alloc(0)
  if (!(Number(length) <= largestKept)) return undefined
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function passOn(answer: http.IncomingMessage, response: http.ServerResponse): void {
  const headers: string[] = []
  for (let i = 0; i < answer.rawHeaders.length; i += 2) {
    const name = answer.rawHeaders[i] ?? ''
    if (!dropped.has(name.toLowerCase())) headers.push(name, answer.rawHeaders[i + 1] ?? '')
  }
  response.writeHead(answer.statusCode ?? 502, headers)
  // An answer that breaks off must not look whole.
  answer.on('error', () => response.destroy())
  answer.pipe(response)
}

function refuse(response: http.ServerResponse, code: ProblemCode, detail: string): void {
  const body = JSON.stringify(problemBody(code, { detail }))
  response.writeHead(problems[code].status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // What is left of a body that nobody reads would be taken for the next request.
    connection: 'close',
  })
  response.end(body)
}

/**
 * The way out. Guarantees: a request goes to the origin it was pinned to, which comes from configuration, and to a
 * public address unless configuration declared that origin internal; redirects are answers like any other; a
 * connection that said more than it was asked is not used again; every wait is bounded.
 */
import { isIP } from 'node:net'
import { Pool, type Dispatcher } from 'undici'
import { isPublicAddress, publicLookup } from './address.ts'

export type EgressOptions = {
  /** Origins that may lie on loopback or in a private network. */
  readonly allowInternal: ReadonlySet<string>
  /** All in milliseconds. */
  readonly connectTimeout?: number
  readonly headersTimeout?: number
  /** Between two pieces of an answer. */
  readonly bodyTimeout?: number
  /** Connections to one origin. */
  readonly connections?: number
}

export type EgressRequest = {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

export type EgressFailure = {
  readonly kind: 'unreachable' | 'timeout' | 'failed' | 'aborted'
  /** Whether the provider may have received it: false only where not a byte of it left. */
  readonly sent: boolean
  /** For the log: the kind of error, never its text, which can quote what was sent. */
  readonly detail: string
}

/** The means to slow the answer down, or to end it. */
export type EgressControl = {
  pause(): void
  resume(): void
  /** Ends the exchange; `onError` follows with `aborted`. */
  abort(): void
}

export type EgressHandler = {
  /** `headers`: names and values in turn, as they came. Called once; interim answers (1xx) are left out. */
  onHeaders(status: number, headers: readonly string[], control: EgressControl): void
  onData(chunk: Buffer): void
  onEnd(): void
  /** Instead of `onEnd`. Nothing follows it. */
  onError(failure: EgressFailure): void
}

export type Egress = {
  send(origin: string, request: EgressRequest, handler: EgressHandler): void
  close(): Promise<void>
}

const longestHeaders = 65_536
/** Requests that wait for a connection to one origin, and how long each may wait, in milliseconds. */
const longestQueue = 256
const longestWait = 10_000
/** Interim answers before the final one; each starts the wait for it anew. */
const mostInterim = 20

/** One origin's connections, and the requests that wait for one. */
type Lane = { readonly pool: Pool; waiting: number }

export function createEgress(options: EgressOptions): Egress {
  const lanes = new Map<string, Lane>()

  /** Undefined where the origin is an address that may not be connected to: it would never be looked up. */
  function laneOf(origin: string): Lane | undefined {
    const known = lanes.get(origin)
    if (known !== undefined) return known
    const internal = options.allowInternal.has(origin)
    const literal = new URL(origin).hostname.replace(/^\[|\]$/g, '')
    if (!internal && isIP(literal) !== 0 && !isPublicAddress(literal)) return undefined
    const pool = new Pool(origin, {
      connections: options.connections ?? 128,
      pipelining: 1,
      allowH2: false,
      connect: {
        timeout: options.connectTimeout ?? 5_000,
        keepAlive: true,
        // Said here so that NODE_TLS_REJECT_UNAUTHORIZED=0 in somebody's shell does not unsay it.
        rejectUnauthorized: true,
        ...(internal ? {} : { lookup: publicLookup }),
      },
      headersTimeout: options.headersTimeout ?? 30_000,
      bodyTimeout: options.bodyTimeout ?? 60_000,
      keepAliveTimeout: 10_000,
      maxHeaderSize: longestHeaders,
    })
    const lane = { pool, waiting: 0 }
    lanes.set(origin, lane)
    return lane
  }

  return {
    send(origin, request, handler) {
      const lane = laneOf(origin)
      if (lane === undefined) {
        handler.onError({ kind: 'unreachable', sent: false, detail: 'ADDRESS_REFUSED' })
        return
      }
      // undici would send an absolute target as it stands, and some servers prefer it to the Host field.
      if (!request.target.startsWith('/')) {
        handler.onError({ kind: 'unreachable', sent: false, detail: 'TARGET_REFUSED' })
        return
      }
      // A provider that hangs must not make requests wait behind one another without end.
      if (lane.waiting >= longestQueue) {
        handler.onError({ kind: 'unreachable', sent: false, detail: 'QUEUE_FULL' })
        return
      }
      lane.pool.dispatch(
        {
          origin,
          path: request.target,
          method: request.method,
          headers: request.headers,
          body: request.body ?? null,
          // Never sent a second time by the pool, whatever the method: once recorded, once sent.
          idempotent: false,
        },
        new Exchange(handler, lane),
      )
    },
    async close() {
      await Promise.all([...lanes.values()].map(({ pool }) => pool.destroy()))
    },
  }
}

class Aborted extends Error {
  override name = 'Aborted'
}

/** Ended by us, for a reason that the log is told. */
class Broken extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** One request and its answer, between undici's handler and ours. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #handler: EgressHandler
  readonly #lane: Lane
  readonly #since = performance.now()
  #waiting = true
  #started = false
  #interim = 0
  #over = false

  constructor(handler: EgressHandler, lane: Lane) {
    this.#handler = handler
    this.#lane = lane
    lane.waiting++
  }

  /** The last moment before bytes leave. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#leaveQueue()
    // Whoever asked may have given up long ago: do not act on it now.
    if (performance.now() - this.#since > longestWait) controller.abort(new Broken('QUEUE_WAIT'))
    else this.#started = true
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      if (++this.#interim > mostInterim) controller.abort(new Broken('TOO_MANY_INTERIM_ANSWERS'))
      return
    }
    this.#handler.onHeaders(status, rawHeaders(controller.rawHeaders), {
      pause: () => controller.pause(),
      resume: () => controller.resume(),
      abort: () => controller.abort(new Aborted('the agent went away')),
    })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onData(chunk)
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#leaveQueue()
    if (this.#over) return
    this.#over = true
    this.#handler.onError(failureOf(error, this.#started))
  }

  #leaveQueue(): void {
    if (this.#waiting) this.#lane.waiting--
    this.#waiting = false
  }
}

/** Names and values in turn. undici gives them as bytes, where they are latin1. */
function rawHeaders(raw: Dispatcher.DispatchController['rawHeaders']): readonly string[] {
  if (!Array.isArray(raw)) return []
  return raw.map((item) => (typeof item === 'string' ? item : item.toString('latin1')))
}

function failureOf(error: Error, sent: boolean): EgressFailure {
  const detail = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  if (error instanceof Aborted) return { kind: 'aborted', sent, detail }
  if (!sent) return { kind: 'unreachable', sent, detail }
  return { kind: detail.includes('TIMEOUT') ? 'timeout' : 'failed', sent, detail }
}

/**
 * Keeps the embedded PostgreSQL running. A server that ends unasked is told of and started again, ever less often while
 * it keeps ending; the broker answers 503 meanwhile, because its statements fail (I3). The connection stays the same.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  startCluster,
  type Cluster,
  type ClusterExit,
  type ClusterOptions,
  type ClusterRefusal,
} from './cluster.ts'

export type SupervisedCluster = {
  readonly connection: Cluster['connection']
  /** Of the postmaster that runs at present; undefined between two. */
  readonly pid: () => number | undefined
  /** Ends the server and the supervision. Idempotent. */
  readonly stop: () => Promise<void>
}

export type SuperviseOptions = ClusterOptions & {
  readonly onExit?: (exit: ClusterExit) => void
  readonly onRestart?: () => void
}

/** In milliseconds: before the first restart, before any, and how long a server must have lasted to start over. */
const firstPause = 100
const longestPause = 10_000
const lasting = 60_000

/** The first start is the caller's to judge; every later one is tried until it succeeds or `stop` is called. */
export async function superviseCluster(
  options: SuperviseOptions,
): Promise<{ readonly ok: true; readonly cluster: SupervisedCluster } | ClusterRefusal> {
  const first = await startCluster(options)
  if (!first.ok) return first
  const stopping = new AbortController()
  let current: Cluster | undefined = first.cluster

  async function keepRunning(): Promise<void> {
    let pause = firstPause
    while (current !== undefined) {
      const started = performance.now()
      const exit = await current.exited
      current = undefined
      if (stopping.signal.aborted) return
      options.log.error(
        `PostgreSQL ended unasked (code ${exit.code ?? 'none'}, signal ${exit.signal ?? 'none'})`,
      )
      options.onExit?.(exit)
      if (performance.now() - started > lasting) pause = firstPause
      for (;;) {
        try {
          await sleep(pause, undefined, { signal: stopping.signal })
        } catch {
          return
        }
        pause = Math.min(longestPause, pause * 2)
        const again = await restart()
        if (again === undefined) continue
        current = again
        break
      }
      options.log.info('PostgreSQL runs again')
      options.onRestart?.()
    }
  }

  async function restart(): Promise<Cluster | undefined> {
    try {
      const again = await startCluster(options)
      if (again.ok) return again.cluster
      options.log.error(again.detail)
    } catch (error) {
      // A full disk, for instance: it may have room later.
      options.log.error(
        `PostgreSQL does not start: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    return undefined
  }

  const running = keepRunning()
  let stopped: Promise<void> | undefined
  return {
    ok: true,
    cluster: {
      connection: first.cluster.connection,
      pid: () => current?.pid,
      stop() {
        stopped ??= (async () => {
          stopping.abort()
          await current?.stop()
          // Where a restart was under way, keepRunning has a server that came up meanwhile, and now waits for its end.
          while (!(await settled(running))) await current?.stop()
        })()
        return stopped
      },
    },
  }
}

async function settled(running: Promise<void>): Promise<boolean> {
  return Promise.race([running.then(() => true), sleep(50).then(() => false)])
}

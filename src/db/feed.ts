/**
 * Tells this process when what may be done has changed: a change bumps a revision in its own transaction and notifies;
 * every process listens, and polls behind it. Guarantee (I8): `confirm` answers true only if, at some moment within
 * the last `staleAfter` milliseconds, the database itself said that the revisions held here are the newest. A process
 * that cannot hear that says no, and its caller must refuse.
 *
 * Each scope's revision is a row, updated under its lock, so that they commit in order.
 */
import { sql } from 'kysely'
import type pg from 'pg'
import type { RevisionScope } from './types.ts'
import { newClient, openPool, statementTimeout, type Connection, type Tx } from './open.ts'

export const channel = 'valetkey_revision'

/** Milliseconds after which an unconfirmed process stops allowing. The bound on revocation across replicas. */
export const staleAfter = 1_000
const pollEvery = 200

export type Feed = {
  /** The newest revision of a scope that this process has heard of. */
  revision(scope: RevisionScope): bigint
  /** True at once where the last confirmation is recent; otherwise asks the database, and false where it cannot. */
  confirm(): boolean | Promise<boolean>
  /** Asks the database now, so that a change made here is effective here when this returns. */
  refresh(): Promise<boolean>
  /** Called after a revision rose, before `refresh` returns; a listener that rejects makes the feed unconfirmed. */
  onChange(listener: (scope: RevisionScope) => Promise<void>): void
  close(): Promise<void>
}

/** Within the transaction that changes something: everyone will hear of it when that transaction commits. */
export async function bumpRevision(tx: Tx, scope: RevisionScope): Promise<void> {
  await sql`update revision set value = value + 1 where scope = ${scope}`.execute(tx)
  await sql`select pg_notify(${channel}, ${scope})`.execute(tx)
}

export async function openFeed(
  connection: Connection,
  clock: () => number = () => performance.now(),
): Promise<Feed> {
  const pool = openPool(connection, 1)
  const held = new Map<RevisionScope, bigint>()
  const listeners: ((scope: RevisionScope) => Promise<void>)[] = []
  let confirmedAt = Number.NEGATIVE_INFINITY
  let inFlight: Promise<boolean> | undefined
  let again: Promise<boolean> | undefined
  let closed = false

  async function ask(): Promise<boolean> {
    // Taken before the question: the answer speaks of a moment no earlier than this one.
    const askedAt = clock()
    try {
      const { rows } = await pool.query<{ scope: RevisionScope; value: string }>({
        name: 'revision',
        text: 'select scope, value from revision',
      })
      for (const { scope, value } of rows) {
        const next = BigInt(value)
        const current = held.get(scope)
        if (current !== undefined && next <= current) continue
        for (const listener of listeners) await listener(scope)
        held.set(scope, next)
      }
      confirmedAt = askedAt
      return true
    } catch {
      return false
    }
  }

  function refresh(): Promise<boolean> {
    if (inFlight === undefined) {
      inFlight = ask().finally(() => {
        inFlight = undefined
      })
      return inFlight
    }
    // A question already on its way may have been asked before the change that the caller wants to see.
    again ??= inFlight.then(() => {
      again = undefined
      return refresh()
    })
    return again
  }

  const listener = listen(connection, () => void refresh())
  const timer = setInterval(() => void (inFlight ?? refresh()), pollEvery)
  timer.unref()
  if (!(await refresh())) {
    clearInterval(timer)
    await listener.close()
    await pool.end()
    throw new Error('the database did not answer')
  }

  return {
    revision: (scope) => held.get(scope) ?? 0n,
    confirm: () =>
      clock() - confirmedAt <= staleAfter || (closed ? false : (inFlight ?? refresh())),
    refresh,
    onChange(listener) {
      listeners.push(listener)
    },
    async close() {
      closed = true
      clearInterval(timer)
      await listener.close()
      await pool.end()
    },
  }
}

/**
 * Keeps one connection listening until it is closed. The poll is what holds the bound; this is what makes it quick, so
 * a connection that breaks is simply made again.
 */
function listen(connection: Connection, heard: () => void): { close(): Promise<void> } {
  let client: pg.Client | undefined
  let closed = false

  async function connect(): Promise<void> {
    if (closed) return
    const next = newClient(connection)
    client = next
    let over = false
    const retry = (): void => {
      if (over) return
      over = true
      if (!closed) setTimeout(() => void connect(), pollEvery).unref()
    }
    next.on('notification', heard)
    next.on('error', retry)
    next.on('end', retry)
    try {
      await next.connect()
      await next.query(`listen ${channel}`)
    } catch {
      retry()
      await next.end().catch(() => undefined)
    }
  }

  const first = connect()
  return {
    async close() {
      closed = true
      await first
      // A server that hangs does not say goodbye.
      await Promise.race([
        client?.end().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, statementTimeout).unref()),
      ])
    },
  }
}

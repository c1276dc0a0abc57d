/**
 * What may be shown once only: client assertions (RFC 7523 §3), foreign tokens, DPoP proofs (RFC 9449 §11.1). Against
 * somebody who overheard one and shows it again, at whichever replica: the answer is the database's, by a primary key,
 * and durable before it is given. Against clocks that differ: what is forgotten and what is refused as too old go by
 * one clock, the database's, so that nothing that was forgotten is ever accepted anew. Many at once go in one
 * statement.
 */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Db } from '../db/open.ts'

export type ReplayKind = 'client_assertion' | 'subject_token' | 'dpop' | 'operator_sign_in'

export type ReplayStore = {
  /**
   * True exactly once for each (kind, scope, jti) until it expires, on any number of replicas. `scope` says whose jti
   * it is; `expiresAt` is in milliseconds since the epoch, and what expired over a minute ago is never true. Rejects
   * where the database does not answer: the caller then refuses.
   */
  use(kind: ReplayKind, scope: string, jti: string, expiresAt: number): Promise<boolean>
}

type Waiting = {
  readonly hash: Buffer
  readonly expiresAt: number
  readonly resolve: (first: boolean) => void
  readonly reject: (error: unknown) => void
}

/** How many go in one statement. */
const largestBatch = 500
/** Statements at once: while one is made durable, what has come since does not wait for it. */
const mostWriters = 2
/** After how many uses what has expired is looked for, and how much of it goes at a time. */
const usesPerSweep = 100
const largestSweep = 1_000
/** The end of year 9999: what lies beyond has no text that PostgreSQL reads. */
const latest = 253_402_300_799_999

export function createReplayStore(db: Db): ReplayStore {
  let waiting: Waiting[] = []
  let gathering = false
  let writers = 0
  let usesUntilSweep = 0
  let sweeping = false

  /** What comes in one turn of the event loop goes together, and what comes while all writers write, too. */
  function gather(): void {
    if (gathering || writers >= mostWriters) return
    gathering = true
    setImmediate(() => {
      gathering = false
      void write()
    })
  }

  async function write(): Promise<void> {
    writers++
    while (waiting.length > 0) {
      const batch = waiting.splice(0, largestBatch)
      try {
        const fresh = await insert(db, batch)
        for (const { hash, resolve } of batch) resolve(fresh.delete(hash.toString('hex')))
      } catch (error) {
        // Those behind have waited for the same database: no queue may build up before one that hangs.
        const behind = waiting
        waiting = []
        for (const { reject } of [...batch, ...behind]) reject(error)
      }
      usesUntilSweep -= batch.length
      if (usesUntilSweep <= 0 && !sweeping) void sweep()
    }
    writers--
  }

  async function sweep(): Promise<void> {
    sweeping = true
    try {
      const removed = await removeExpired(db)
      usesUntilSweep = removed < largestSweep ? usesPerSweep : 0
    } catch {
      // What stays is refused as before; the next use tries again.
    } finally {
      sweeping = false
    }
  }

  return {
    use(kind, scope, jti, expiresAt) {
      if (!(expiresAt > 0 && expiresAt <= latest)) return Promise.resolve(false)
      // As JSON, so that no two triples have one text.
      const hash = createHash('sha256')
        .update(JSON.stringify([kind, scope, jti]))
        .digest()
      return new Promise((resolve, reject) => {
        waiting.push({ hash, expiresAt: Math.ceil(expiresAt), resolve, reject })
        gather()
      })
    },
  }
}

/**
 * The hashes, in hex, that were not there before. They go in in one order on every replica: two statements that wait for
 * each other's rows would be a deadlock.
 */
async function insert(db: Db, batch: readonly Waiting[]): Promise<Set<string>> {
  const { rows: fresh } = await sql<{ hash: string }>`
    insert into replay (hash, expires_at)
    select hash, to_timestamp(expires / 1000.0)
    from unnest(${batch.map(({ hash }) => hash)}::bytea[], ${batch.map(({ expiresAt }) => expiresAt)}::bigint[])
      as shown (hash, expires)
    where to_timestamp(expires / 1000.0) > now() - interval '1 minute'
    order by hash
    on conflict (hash) do nothing
    returning encode(hash, 'hex') as hash
  `.execute(db)
  return new Set(fresh.map(({ hash }) => hash))
}

/**
 * Removes some of what `insert` would refuse anyway, a minute later than that: `now()` is when a statement began, and one
 * that began before and runs long must still find it. Returns how much.
 */
async function removeExpired(db: Db): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from replay where hash in (
      select hash from replay where expires_at <= now() - interval '2 minutes'
      limit ${largestSweep} for update skip locked
    )
  `.execute(db)
  return Number(numAffectedRows ?? 0)
}

/**
 * Appends entries. Contract: when `append` resolves, the entry is on disk; when it rejects, the caller must act as if
 * the entry did not exist (it may), and do nothing that needed it. `note` is for outcomes: it never waits, keeps the
 * entry through an outage of the database, and retries until it is on disk.
 *
 * Group commit: while one insert is on its way, entries gather for the next, so that many requests share one flush to
 * disk. There is no row that all of them lock.
 */
import type pg from 'pg'
import type { Tx } from '../db/open.ts'
import type { ReplicaId } from '../ids.ts'
import { canonicalEntry, leafHash, timeText, type AuditEntry } from './entry.ts'

export type AuditLog = {
  append(entry: AuditEntry): Promise<void>
  note(entry: AuditEntry): void
  /** Writes what is left, for as long as `deadline` milliseconds. */
  close(deadline?: number): Promise<void>
  /** Entries that wait to be written. */
  readonly backlog: number
  /** When the oldest intent without an outcome was made, in milliseconds since the epoch; undefined where all have one. */
  readonly openSince: number | undefined
}

export class AuditUnavailable extends Error {
  override name = 'AuditUnavailable'
}

/** The largest number of rows in one insert, and of entries that wait: beyond it the broker refuses (I2). */
const batchSize = 500
const longestQueue = 20_000
/** Outcomes that are kept while the database is away. Beyond it they are dropped, and closed as `unknown` later. */
const longestBacklog = 200_000
/** How long an append waits before the caller is told no, in milliseconds. */
const appendDeadline = 950

type Waiting = {
  readonly row: Row
  readonly settle: (error?: AuditUnavailable) => void
  readonly since: number
}

type Row = {
  at: string
  kind: string
  correlationId: string
  actorId: string
  /** Empty where there is none. */
  environmentId: string
  result: string
  canonical: string
}

/*
 * Each column of a batch goes as one text, its values parted by line feeds, which none of them can hold (canonical JSON
 * escapes them; the rest are ids and words): half the cost of arrays or JSON. The leaf hash is computed by the database,
 * over the very bytes it stores, in the same statement, so that what is hashed cannot differ from what is kept.
 */
const insert = `
  insert into audit_entry (at, kind, correlation_id, replica_id, actor_id, environment_id, result, canonical, leaf_hash)
  select at::timestamptz, kind, correlation_id, $8, actor_id, nullif(environment_id, ''), result, canonical,
    sha256('\\x00'::bytea || convert_to(canonical, 'UTF8'))
  from unnest(
    string_to_array($1, e'\\n'), string_to_array($2, e'\\n'), string_to_array($3, e'\\n'), string_to_array($4, e'\\n'),
    string_to_array($5, e'\\n'), string_to_array($6, e'\\n'), string_to_array($7, e'\\n')
  ) as entry(at, kind, correlation_id, actor_id, environment_id, result, canonical)
`

function column(batch: readonly Row[], name: keyof Row): string {
  let text = batch[0]?.[name] ?? ''
  for (let i = 1; i < batch.length; i++) text += `\n${batch[i]?.[name] ?? ''}`
  return text
}

/**
 * Turns of the event loop in which intents gather. A turn is as long as there is work to do in it: an idle broker writes
 * at once, and a busy one has fewer and larger inserts.
 */
const gatherTurns = 5
/** How long outcomes gather for one insert, in milliseconds. */
const outcomeDelay = 20

export function createAuditLog(pool: pg.Pool, replicaId: ReplicaId): AuditLog {
  // Two queues, each with an insert of its own: nobody who waits for an intent also waits for others' outcomes.
  let intents: Waiting[] = []
  /** Those whose insert is on its way. */
  let flying: readonly Waiting[] = []
  let outcomes: Row[] = []
  let writingIntents = false
  let writingOutcomes = false
  let closing = false
  /** Nothing is written any more: what is left is closed as `unknown` by whoever comes next. */
  let closed = false
  let soon: NodeJS.Immediate | undefined
  let later: NodeJS.Timeout | undefined
  const idle: (() => void)[] = []

  /** Each queue keeps its connection: to take one from the pool and give it back costs half as much as the insert. */
  const held: Record<'intents' | 'outcomes', pg.PoolClient | undefined> = {
    intents: undefined,
    outcomes: undefined,
  }

  async function write(queue: keyof typeof held, batch: readonly Row[]): Promise<void> {
    const client = (held[queue] ??= await connect())
    try {
      await client.query({
        name: 'append',
        text: insert,
        values: [
          column(batch, 'at'),
          column(batch, 'kind'),
          column(batch, 'correlationId'),
          column(batch, 'actorId'),
          column(batch, 'environmentId'),
          column(batch, 'result'),
          column(batch, 'canonical'),
          replicaId,
        ],
      })
    } catch (error) {
      held[queue] = undefined
      client.release(true)
      throw error
    }
  }

  async function connect(): Promise<pg.PoolClient> {
    const client = await pool.connect()
    // A connection that breaks while nothing is asked of it is found broken by the next insert.
    client.on('error', () => undefined)
    return client
  }

  /** What arrives in a few turns of the event loop shares one insert; what arrives during it, the next. */
  function scheduleIntents(): void {
    if (!writingIntents && intents.length > 0) soon ??= setImmediate(() => gather(gatherTurns))
  }

  function gather(turns: number): void {
    if (turns > 1 && intents.length < batchSize) soon = setImmediate(() => gather(turns - 1))
    else void writeIntents()
  }

  async function writeIntents(): Promise<void> {
    soon = undefined
    const batch = intents.slice(0, batchSize)
    if (writingIntents || batch.length === 0) return
    intents = intents.slice(batchSize)
    writingIntents = true
    flying = batch
    try {
      await write(
        'intents',
        batch.map((item) => item.row),
      )
      for (const item of batch) item.settle()
    } catch (error) {
      const failure = new AuditUnavailable('the audit log could not be written', { cause: error })
      for (const item of batch) item.settle(failure)
    } finally {
      writingIntents = false
      flying = []
      scheduleIntents()
      wake()
    }
  }

  function scheduleOutcomes(delay: number): void {
    if (!closed && !writingOutcomes && outcomes.length > 0)
      later ??= setTimeout(() => void writeOutcomes(), delay)
  }

  async function writeOutcomes(): Promise<void> {
    later = undefined
    const batch = outcomes.slice(0, batchSize)
    if (writingOutcomes || batch.length === 0) return
    outcomes = outcomes.slice(batchSize)
    writingOutcomes = true
    let pause = outcomeDelay
    try {
      await write('outcomes', batch)
    } catch {
      // Nobody waits for these; they go back to the head of the queue and are tried again.
      outcomes = batch.concat(outcomes)
      pause = 200
    } finally {
      writingOutcomes = false
      scheduleOutcomes(closing || outcomes.length >= batchSize ? Math.min(pause, 5) : pause)
      wake()
    }
  }

  function wake(): void {
    if (isIdle()) for (const resolve of idle.splice(0)) resolve()
  }

  function isIdle(): boolean {
    return !writingIntents && !writingOutcomes && intents.length === 0 && outcomes.length === 0
  }

  let sweep: NodeJS.Timeout | undefined
  /**
   * An append that waits for a database that hangs is refused within its deadline, not when the database answers:
   * neither behind another batch, nor in one whose connection and statement each use up their own time-out.
   */
  function expire(): void {
    sweep = undefined
    const now = performance.now()
    let left = false
    const late = (item: Waiting): boolean => {
      if (now - item.since <= appendDeadline) {
        left = true
        return false
      }
      // Of one that is on its way the insert may still succeed: the contract says so.
      item.settle(new AuditUnavailable('the audit log could not be written in time'))
      return true
    }
    intents = intents.filter((item) => !late(item))
    for (const item of flying) late(item)
    if (left) sweep = setTimeout(expire, 100)
  }

  function toRow(entry: AuditEntry): Row {
    return {
      at: timeText(entry.at),
      kind: entry.kind,
      correlationId: entry.correlationId,
      actorId: entry.actor.id,
      environmentId: entry.environment?.id ?? '',
      result: entry.result,
      canonical: canonicalEntry(entry),
    }
  }

  /** Intents without an outcome, by correlation, in the order in which they came. */
  const open = new Map<string, number>()
  function follow(entry: AuditEntry): void {
    if (entry.kind === 'outcome') open.delete(entry.correlationId)
    else if (entry.kind === 'lookup' || (entry.kind === 'decision' && entry.result === 'allow')) {
      open.set(entry.correlationId, entry.at)
    }
  }

  return {
    append(entry) {
      if (closing) return Promise.reject(new AuditUnavailable('the broker is stopping'))
      if (intents.length >= longestQueue) {
        return Promise.reject(new AuditUnavailable('the audit log is behind'))
      }
      follow(entry)
      return new Promise((resolve, reject) => {
        intents.push({
          row: toRow(entry),
          settle: (error) => (error === undefined ? resolve() : reject(error)),
          since: performance.now(),
        })
        sweep ??= setTimeout(expire, 100)
        scheduleIntents()
      })
    },
    note(entry) {
      if (outcomes.length >= longestBacklog) return
      follow(entry)
      outcomes.push(toRow(entry))
      scheduleOutcomes(outcomeDelay)
    },
    async close(deadline = 3_000) {
      closing = true
      if (!isIdle()) {
        clearTimeout(later)
        later = undefined
        scheduleOutcomes(0)
        let giveUp: NodeJS.Timeout | undefined
        await Promise.race([
          new Promise<void>((resolve) => idle.push(resolve)),
          new Promise<void>((resolve) => {
            giveUp = setTimeout(resolve, deadline)
          }),
        ])
        clearTimeout(giveUp)
      }
      closed = true
      clearTimeout(later)
      clearTimeout(sweep)
      for (const client of Object.values(held)) client?.release()
    },
    get backlog() {
      return intents.length + outcomes.length
    },
    get openSince() {
      const [oldest] = open.values()
      return oldest
    },
  }
}

/** For what must be atomic with a change in the database: the entry is there exactly if the change is. */
export async function appendWithin(tx: Tx, entry: AuditEntry): Promise<void> {
  const canonical = canonicalEntry(entry)
  await tx
    .insertInto('audit_entry')
    .values({
      at: new Date(entry.at),
      kind: entry.kind,
      correlation_id: entry.correlationId,
      replica_id: null,
      actor_id: entry.actor.id,
      environment_id: entry.environment?.id ?? null,
      result: entry.result,
      canonical,
      leaf_hash: leafHash(canonical),
    })
    .execute()
}

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
import { batchSize, createWriter, toLine, writeWithin, type Line } from './batch.ts'
import type { AuditEntry } from './entry.ts'

export type AuditLog = {
  append(entry: AuditEntry): Promise<void>
  note(entry: AuditEntry): void
  /** Writes what is left, for as long as `deadline` milliseconds. */
  close(deadline?: number): Promise<void>
  /** Entries that wait to be written. */
  readonly backlog: number
  /** When the oldest intent was made that has no outcome on disk, in milliseconds since the epoch; undefined where all have one. */
  readonly openSince: number | undefined
}

export class AuditUnavailable extends Error {
  override name = 'AuditUnavailable'
}

/** The connections that the log holds: one for each half of the intents, and one for outcomes. */
export const auditConnections = 3

/** The largest number of entries that wait: beyond it the broker refuses (I2). */
const longestQueue = 20_000
/** Outcomes that are kept while the database is away. Beyond it they are dropped, and closed as `unknown` later. */
const longestBacklog = 200_000
/** How long an append waits before the caller is told no, in milliseconds. */
const appendDeadline = 950
/**
 * Turns of the event loop in which intents gather. A turn is as long as there is work to do in it: an idle broker writes
 * at once, and a busy one has fewer and larger inserts.
 */
const gatherTurns = 5
/** How long outcomes gather for one insert, in milliseconds. */
const outcomeDelay = 20

type Ending = Line & { readonly correlationId: string }

type Waiting = {
  readonly line: Line
  readonly settle: (error?: AuditUnavailable) => void
  readonly since: number
}

export function createAuditLog(pool: pg.Pool, replicaId: ReplicaId): AuditLog {
  // Two queues, each with inserts of its own: nobody who waits for an intent also waits for others' outcomes.
  let intents: Waiting[] = []
  let outcomes: Ending[] = []
  /**
   * Two inserts of intents at once. With one, all requests of a busy moment are answered together, come again together,
   * and leave the broker with nothing to do while they are written; in two halves, one is worked on meanwhile.
   */
  const idleWriters = [createWriter(pool, replicaId), createWriter(pool, replicaId)]
  const intentWriters = [...idleWriters]
  const outcomeWriter = createWriter(pool, replicaId)
  /** The intents whose insert is on its way. */
  const flying = new Set<readonly Waiting[]>()
  let writingOutcomes = false
  let state: 'open' | 'closing' | 'closed' = 'open'
  let soon: NodeJS.Immediate | undefined
  let later: NodeJS.Timeout | undefined
  const idle: (() => void)[] = []

  /** What arrives in a few turns of the event loop shares one insert. */
  function scheduleIntents(): void {
    if (intents.length > 0 && idleWriters.length > 0) soon ??= setImmediate(gather, gatherTurns)
  }

  function gather(turns: number): void {
    soon = undefined
    const half = intents.length >= Math.min(underWay / 2, batchSize)
    if (half || (turns <= 1 && flying.size === 0)) void writeIntents()
    // Fewer than half wait for the insert that is on its way, or until they are more.
    else if (flying.size === 0) soon = setImmediate(gather, turns - 1)
  }

  async function writeIntents(): Promise<void> {
    const writer = idleWriters.pop()
    if (writer === undefined) return
    const batch = intents.slice(0, batchSize)
    intents = intents.slice(batchSize)
    flying.add(batch)
    scheduleIntents()
    let failure: AuditUnavailable | undefined
    try {
      await writer.write(batch.map((item) => item.line))
    } catch (error) {
      failure = new AuditUnavailable('the audit log could not be written', { cause: error })
    }
    flying.delete(batch)
    idleWriters.push(writer)
    for (const item of batch) item.settle(failure)
    scheduleIntents()
    wake()
  }

  function scheduleOutcomes(delay: number): void {
    if (state !== 'closed' && !writingOutcomes && outcomes.length > 0)
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
      await outcomeWriter.write(batch)
      for (const { correlationId } of batch) open.delete(correlationId)
    } catch {
      // Nobody waits for these; they go back to the head of the queue and are tried again.
      outcomes = batch.concat(outcomes)
      pause = 200
    } finally {
      writingOutcomes = false
      scheduleOutcomes(
        state !== 'open' || outcomes.length >= batchSize ? Math.min(pause, 5) : pause,
      )
      wake()
    }
  }

  function wake(): void {
    if (isIdle()) for (const resolve of idle.splice(0)) resolve()
  }

  function isIdle(): boolean {
    return flying.size === 0 && !writingOutcomes && intents.length === 0 && outcomes.length === 0
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
    for (const batch of flying) for (const item of batch) late(item)
    if (left) sweep = setTimeout(expire, 100)
  }

  /**
   * Intents without an outcome on disk, by correlation, in the order in which they came; and how many of them have none
   * at all yet, which is how many requests are under way.
   */
  const open = new Map<string, { readonly at: number; ended: boolean }>()
  let underWay = 0

  function begins(entry: AuditEntry): void {
    if (entry.kind !== 'lookup' && (entry.kind !== 'decision' || entry.result !== 'allow')) return
    open.set(entry.correlationId, { at: entry.at, ended: false })
    underWay++
  }

  function ends(correlationId: string): void {
    const intent = open.get(correlationId)
    if (intent === undefined || intent.ended) return
    intent.ended = true
    underWay--
  }

  return {
    append(entry) {
      if (state !== 'open') return Promise.reject(new AuditUnavailable('the broker is stopping'))
      if (intents.length >= longestQueue) {
        return Promise.reject(new AuditUnavailable('the audit log is behind'))
      }
      begins(entry)
      return new Promise((resolve, reject) => {
        intents.push({
          line: toLine(entry),
          settle: (error) => (error === undefined ? resolve() : reject(error)),
          since: performance.now(),
        })
        sweep ??= setTimeout(expire, 100)
        scheduleIntents()
      })
    },
    note(entry) {
      ends(entry.correlationId)
      if (outcomes.length >= longestBacklog) return
      outcomes.push({ ...toLine(entry), correlationId: entry.correlationId })
      scheduleOutcomes(outcomeDelay)
    },
    async close(deadline = 3_000) {
      state = 'closing'
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
      // Nothing is written any more: what is left is closed as `unknown` by whoever comes next.
      state = 'closed'
      clearTimeout(later)
      clearTimeout(sweep)
      for (const writer of [...intentWriters, outcomeWriter]) writer.release()
    },
    get backlog() {
      return intents.length + outcomes.length
    },
    get openSince() {
      const [oldest] = open.values()
      return oldest?.at
    },
  }
}

/** For what must be atomic with a change in the database: the entry is there exactly if the change is. */
export async function appendWithin(tx: Tx, entry: AuditEntry): Promise<void> {
  await writeWithin(tx, [toLine(entry)])
}

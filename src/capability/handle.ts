/**
 * Capabilities as handles: what each one says is kept under the SHA-256 of it, and the handle itself nowhere. Against who
 * reads the database: a hash opens nothing. Against who writes to it: what is kept is authenticated together with the hash
 * by a key that is not there, so that neither an edited row nor one that was copied under another hash says anything.
 * Against floods: what is not marked as ours is asked about never, and what is not there only once.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { HandleShape } from '../core/handle-shape.ts'
import type { Db } from '../db/open.ts'
import type { CapabilityClaims } from './claims.ts'
import { isMarked, makeHandle } from './handle-form.ts'

export type HandleKeys = { readonly mark: Buffer; readonly record: Buffer }

export type Kept =
  | { readonly ok: true; readonly claims: unknown }
  | { readonly ok: false; readonly reason: 'unmarked' | 'unknown' | 'altered' }

export type HandleStore = {
  /** Makes a handle for these claims; durable once it resolves. Rejects where the database does not answer. */
  keep(claims: CapabilityClaims, shape: HandleShape): Promise<string>
  /**
   * What was kept, as it was kept: whether it has expired is the caller's to see. Rejects where the database does not
   * answer.
   */
  find(handle: string): Promise<Kept>
}

/** After how many handles what has expired is looked for, and how much of it goes at a time. */
const keptPerSweep = 100
const largestSweep = 1_000

export function createHandleStore(deps: {
  readonly db: Db
  /** Undefined while the broker is sealed. */
  readonly keys: () => HandleKeys | undefined
  /** Told of a row that somebody else has written: once for each handle, on each replica. */
  readonly altered: () => void
}): HandleStore {
  const { db } = deps
  /** By hash. A handle that is not there was swept or never was, and never comes to be: it cannot be made twice. */
  const refused = new LRUCache<string, 'unknown' | 'altered'>({ max: 10_000 })
  let untilSweep = keptPerSweep
  let sweeping = false

  async function sweep(): Promise<void> {
    sweeping = true
    try {
      const removed = await removeExpired(db)
      untilSweep = removed < largestSweep ? keptPerSweep : 0
    } catch {
      // What stays has expired all the same; the next one tries again.
    } finally {
      sweeping = false
    }
  }

  return {
    async keep(claims, shape) {
      const keys = deps.keys()
      if (keys === undefined) throw new Error('a sealed broker makes no handles')
      const handle = makeHandle(shape, keys.mark, randomBytes)
      const hash = hashOf(handle)
      const text = JSON.stringify(claims)
      await db
        .insertInto('handle')
        .values({
          hash,
          claims: text,
          mac: macOf(keys, hash, text),
          expires_at: new Date(claims.exp * 1000),
        })
        .execute()
      untilSweep--
      if (untilSweep <= 0 && !sweeping) void sweep()
      return handle
    },
    async find(handle) {
      const keys = deps.keys()
      if (keys === undefined || !isMarked(handle, keys.mark))
        return { ok: false, reason: 'unmarked' }
      const hash = hashOf(handle)
      const name = hash.toString('hex')
      const known = refused.get(name)
      if (known !== undefined) return { ok: false, reason: known }
      const row = await db
        .selectFrom('handle')
        .select(['claims', 'mac'])
        .where('hash', '=', hash)
        .executeTakeFirst()
      if (row !== undefined && matches(row.mac, macOf(keys, hash, row.claims)))
        return { ok: true, claims: JSON.parse(row.claims) as unknown }
      const reason = row === undefined ? 'unknown' : 'altered'
      refused.set(name, reason)
      if (reason === 'altered') deps.altered()
      return { ok: false, reason }
    },
  }
}

function hashOf(handle: string): Buffer {
  return createHash('sha256').update(handle).digest()
}

/** Over the hash, whose length is always the same, and the text after it: no two pairs are one text. */
function macOf(keys: HandleKeys, hash: Buffer, claims: string): Buffer {
  return createHmac('sha256', keys.record).update(hash).update(claims).digest()
}

function matches(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** A quarter of an hour later than it could: until then its holder is told that it has expired. Returns how many went. */
async function removeExpired(db: Db): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from handle where hash in (
      select hash from handle where expires_at <= now() - interval '15 minutes'
      limit ${largestSweep} for update skip locked
    )
  `.execute(db)
  return Number(numAffectedRows ?? 0)
}

/** What must hold after a broker was killed and started again, asked of the database itself, not of the broker. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { Answered } from './load.ts'

type Entry = {
  readonly kind: string
  readonly result: string
  readonly correlation: string
  readonly digest: string | null
}

export type Findings = {
  /** Each a sentence. Empty where everything holds. */
  readonly violations: readonly string[]
  /** Intents that were open when the broker died, and were closed at the next start. */
  readonly unknown: number
}

/** Through the socket of the server that works in this data directory at present. */
export async function openAudit(dataDir: string): Promise<pg.Client> {
  const lines = (await readFile(join(dataDir, 'pg', 'postmaster.pid'), 'utf8')).split('\n')
  const client = new pg.Client({
    host: lines[4] ?? '',
    port: Number(lines[3]),
    user: 'valetkey',
    database: 'valetkey',
    ssl: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

export async function lastEntry(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    'select coalesce(max(id), 0)::text as id from audit_entry',
  )
  return rows[0]?.id ?? '0'
}

/** `forwarded`: the bodies that reached the provider since the entry `since`; `answered`: what agents were told since. */
export async function checkAudit(
  client: pg.Client,
  since: string,
  forwarded: readonly string[],
  answered: readonly Answered[],
): Promise<Findings> {
  const { rows } = await client.query<Entry>(
    `select kind, result, correlation_id as correlation, canonical::jsonb ->> 'bodyDigest' as digest
     from audit_entry where id > $1 and kind in ('decision', 'outcome')`,
    [since],
  )
  const violations: string[] = []
  const intents = rows.filter(({ kind, result }) => kind === 'decision' && result === 'allow')
  const digests = new Set(intents.map(({ digest }) => digest))
  for (const body of forwarded) {
    const digest = createHash('sha256').update(body).digest('hex')
    if (!digests.has(digest)) violations.push(`forwarded without an intent: ${body}`)
  }
  const decided = new Map(
    rows
      .filter(({ kind }) => kind === 'decision')
      .map(({ correlation, result }) => [correlation, result]),
  )
  for (const { correlationId, status } of answered) {
    // Nothing is done without a record, and for want of one this was answered.
    if (status === 503) continue
    const expected = status === 200 ? 'allow' : status === 403 ? 'deny' : undefined
    if (expected === undefined) violations.push(`${correlationId} was answered ${String(status)}`)
    else if (decided.get(correlationId) !== expected)
      violations.push(
        `${correlationId} was answered ${String(status)}, and the log says ${decided.get(correlationId) ?? 'nothing'}`,
      )
  }
  const closed = new Map<string, number>()
  let unknown = 0
  for (const { kind, result, correlation } of rows) {
    if (kind !== 'outcome') continue
    closed.set(correlation, (closed.get(correlation) ?? 0) + 1)
    if (result === 'unknown') unknown++
  }
  for (const { correlation } of intents) {
    const outcomes = closed.get(correlation) ?? 0
    if (outcomes !== 1) violations.push(`${correlation} has ${String(outcomes)} outcomes`)
  }
  return { violations, unknown }
}

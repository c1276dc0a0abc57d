/** The audit log, read and followed, as rows or as the entries themselves. */
import { isId } from '../ids.ts'
import { record, records, text, type Shape } from './answer.ts'
import { auditColumns, auditRow } from './audit-row.ts'
import type { Client, Query } from './client.ts'
import { command, type Command } from './command.ts'
import { Failure, usage } from './failure.ts'
import { idOf } from './lookup.ts'
import { readChoice, readMoment, readWhole } from './option-value.ts'
import type { Session } from './session.ts'
import { fixedRow, table } from './table.ts'

const kinds = [
  'decision',
  'approval',
  'lookup',
  'outcome',
  'issuance',
  'admin',
  'sign_in',
  'system',
] as const

/** Milliseconds between two looks at the log while following it. */
const pace = 1_000
/**
 * Ids are given out before entries commit, and commit in another order: an entry may appear with an id smaller than one
 * that was shown already. Each look goes back by this many ids, and shows what it has not shown.
 */
const overlap = 150

const options = {
  follow: { type: 'boolean', help: 'Go on showing entries as they come' },
  limit: { type: 'string', value: '<number>', help: 'How many of the newest; 50 by default' },
  kind: { type: 'string', value: kinds.join('|'), help: 'Only these' },
  actor: {
    type: 'string',
    value: '<agent or operator>',
    help: 'What they did, or what was done for them',
  },
  environment: { type: 'string', value: '<name>', help: 'Only in this environment' },
  result: {
    type: 'string',
    value: '<word>',
    help: 'Only with this result: deny, allow, refused …',
  },
  correlation: { type: 'string', value: '<id>', help: 'Only what belongs to this request' },
  since: { type: 'string', value: '<time>', help: 'Not before: 1h, or 2030-01-31T12:00:00Z' },
  until: { type: 'string', value: '<time>', help: 'Before' },
} as const

type Options = {
  readonly [K in keyof typeof options]: (typeof options)[K]['type'] extends 'boolean'
    ? boolean
    : string | undefined
}

async function actorId(client: Client, given: string): Promise<string> {
  if (isId('agent', given) || isId('operator', given)) return given
  try {
    return await idOf(client, 'agent', given)
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not_found') throw error
    // Neither: `bootstrap`, `recovery` … act too.
    return idOf(client, 'operator', given).catch((second: unknown) => {
      if (second instanceof Failure && second.code === 'not_found') return given
      throw second
    })
  }
}

/** What can be read of the filter without the broker. */
function readFilter(given: Options, now: number): Query {
  return {
    kind: readChoice('--kind', given.kind, kinds),
    result: given.result,
    correlation: given.correlation,
    since: given.since === undefined ? undefined : readMoment('--since', given.since, now, -1),
    until: given.until === undefined ? undefined : readMoment('--until', given.until, now, -1),
  }
}

/** The newest entries, oldest of them first. */
async function newest(client: Client, filter: Query, limit: number): Promise<Shape[]> {
  const items: Shape[] = []
  let cursor: string | undefined
  while (items.length < limit) {
    const query = { ...filter, limit: String(Math.min(200, limit - items.length)), cursor }
    const page = record(await client.get('/v1/audit', query))
    const found = records(page, 'items')
    items.push(...found)
    cursor = text(page, 'next_cursor')
    if (cursor === undefined || found.length === 0) break
  }
  return items.slice(0, limit).toReversed()
}

function position(item: Shape): number {
  const id = Number(text(item, 'id'))
  return Number.isSafeInteger(id) ? id : 0
}

function sayAll(call: Session, items: readonly Shape[], following: boolean): void {
  if (call.json) for (const item of items) call.sayJson(item)
  else if (following) for (const item of items) call.say(fixedRow(auditColumns, auditRow(item)))
  else for (const line of table(auditColumns, items.map(auditRow))) call.say(line)
}

/** Shows what comes, until it is stopped or the sign-in ends. */
async function follow(
  call: Session,
  client: Client,
  filter: Query,
  shown: readonly Shape[],
): Promise<void> {
  const seen = new Set(shown.map(position))
  let last = Math.max(0, ...seen)
  for (;;) {
    await call.world.sleep(pace)
    let cursor: string | undefined
    const after = String(Math.max(0, last - overlap))
    do {
      const page = record(await client.get('/v1/audit', { ...filter, after, limit: '200', cursor }))
      const fresh = records(page, 'items').filter((item) => !seen.has(position(item)))
      sayAll(call, fresh, true)
      for (const item of fresh) {
        seen.add(position(item))
        last = Math.max(last, position(item))
      }
      cursor = text(page, 'next_cursor')
    } while (cursor !== undefined)
    for (const id of seen) if (id < last - 2 * overlap) seen.delete(id)
  }
}

async function read(call: Session & { readonly options: Options }, usual: number): Promise<void> {
  const limit = call.options.limit === undefined ? usual : readWhole('--limit', call.options.limit)
  if (limit < 1 || limit > 10_000) throw usage('--limit must be from 1 to 10000.')
  if (call.options.follow && call.options.until !== undefined)
    throw usage('--follow and --until contradict each other.')
  const given = readFilter(call.options, call.world.now())
  const client = await call.signedIn()
  const { actor, environment } = call.options
  const filter = {
    ...given,
    actor: actor === undefined ? undefined : await actorId(client, actor),
    environment:
      environment === undefined ? undefined : await idOf(client, 'environment', environment),
  }
  const items = await newest(client, filter, limit)
  if (call.options.follow && !call.json)
    call.say(
      fixedRow(
        auditColumns,
        auditColumns.map(({ title }) => title),
      ),
    )
  sayAll(call, items, call.options.follow)
  if (call.options.follow) await follow(call, client, filter, items)
}

const notes = [
  'Oldest first. With --json, one entry on each line, with the hash of what was stored.',
]

export const auditCommands: readonly Command[] = [
  command({
    name: 'audit',
    summary: 'Read the audit log: who did what, what was decided, and why',
    options,
    json: true,
    examples: [
      'valetkey audit --result deny --since 1h',
      'valetkey audit --actor deploy-bot --json',
    ],
    notes,
    run: (call) => read(call, 50),
  }),
  command({
    name: 'audit list',
    summary: 'The same as audit',
    options,
    json: true,
    examples: ['valetkey audit list --environment acme/staging'],
    notes,
    run: (call) => read(call, 50),
  }),
  command({
    name: 'audit tail',
    summary: 'The last twenty entries, and with --follow those that come',
    options,
    json: true,
    examples: [
      'valetkey audit tail --follow',
      'valetkey audit tail --follow --kind decision --result deny',
    ],
    notes,
    run: (call) => read(call, 20),
  }),
]

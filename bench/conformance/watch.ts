/**
 * One case against the brokers, with everything it left behind: what came back, what reached the providers, what the
 * audit says of it.
 */
import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DecisionEntry, LookupEntry } from '../../src/audit/entry.ts'
import { text, type Json } from './cases.ts'
import type { Detector } from './detector.ts'
import {
  credentialProblems,
  decisionProblems,
  disclosures,
  healthProblems,
  limitProblems,
  statuses,
  type Tolerated,
} from './invariants.ts'
import type { Received } from './upstream.ts'
import { jsonOf, type Answer, type Exchange } from './wire.ts'
import type { Provider, World } from './world.ts'

export type Act = {
  /** What was sent, for telling what a refusal repeats from what it gives away. */
  readonly sent: Buffer
  readonly exchanges: readonly Exchange[]
}

export type Watched = {
  readonly exchanges: readonly Exchange[]
  readonly answers: readonly Answer[]
  /** Of the first final answer; undefined where the connection was closed without one. */
  readonly status: number | undefined
  /** Of the first answer, where it is a problem. */
  readonly code: string | undefined
  /** What reached a provider and was no question of the broker's own. */
  readonly forwarded: readonly Received[]
  /** All that reached a provider. */
  readonly upstream: readonly Received[]
  readonly lookups: number
  readonly decisions: readonly DecisionEntry[]
  /** Each invariant that did not hold, in a sentence. */
  readonly broken: readonly string[]
  /** Where the agent sees the credential. Breaks an invariant too, but for cases about a limit that is documented. */
  readonly leaks: readonly string[]
}

export type WatchOptions = Tolerated & {
  readonly limits?: Json
  readonly detector: Detector
}

export async function watch(
  world: World,
  options: WatchOptions,
  act: () => Promise<Act>,
): Promise<Watched> {
  const { upstreams, attacker } = world
  const providers = Object.keys(upstreams) as Provider[]
  const before = {
    received: providers.map((name) => upstreams[name].received.length),
    strays: providers.map((name) => upstreams[name].strays.length),
    attacker: attacker.connections(),
    audit: await lastEntry(world),
  }
  const memory = watchMemory()
  const { sent, exchanges } = await act()
  const unanswered = exchanges.some(({ answers, closed }) => closed || !answers.at(-1)?.whole)
  if (unanswered) await settled(world)
  const grown = memory.stop()

  const answers = exchanges.flatMap((exchange) => exchange.answers)
  const upstream = providers.flatMap((name, i) =>
    upstreams[name].received.slice(before.received[i]),
  )
  const strays = providers.flatMap((name, i) => upstreams[name].strays.slice(before.strays[i]))
  const entries = await entriesSince(world, before.audit)
  const decisions = entries.filter((entry) => entry.kind === 'decision')
  const lookups = entries.filter((entry) => entry.kind === 'lookup')
  const forwarded = withoutLookups(upstream, lookups, decisions)

  const broken: string[] = [
    ...statuses(answers, options),
    ...forwarded
      .filter(() => !decisions.some((entry) => entry.result === 'allow'))
      .map((request) => `${request.line} was forwarded without an intent`),
    ...providers.flatMap((name, i) =>
      upstreams[name].received
        .slice(before.received[i])
        .flatMap((request) => credentialProblems(world, name, request)),
    ),
    ...strays.map((bytes) => `a provider got bytes that are no request: ${show(bytes)}`),
    ...decisionProblems(answers, decisions),
    ...answers.flatMap((answer) => disclosures(world, answer, sent)),
    ...limitProblems(options.limits ?? {}, exchanges, grown, lookups.length),
  ]
  const leaks = exchanges.flatMap((exchange) => options.detector.find(exchange) ?? [])
  if (attacker.connections() > before.attacker) broken.push('the attacker’s host was connected to')
  broken.push(...(await healthProblems(world)))

  const [first] = answers
  return {
    exchanges,
    answers,
    status: first?.status,
    code: text(jsonOf(first)['code']) ?? text(jsonOf(first)['error']),
    forwarded,
    upstream,
    lookups: lookups.length,
    decisions,
    broken,
    leaks: leaks.map((where) => `the agent sees the credential: ${where}`),
  }
}

/**
 * Waits until nothing moves any more. The end of a connection is not the end of what was asked on it: the broker may
 * have read a request whole before it refused what came behind it, and be forwarding it still.
 */
async function settled(world: World): Promise<void> {
  const position = async (): Promise<string> => {
    const counts = Object.values(world.upstreams).map(({ received }) => received.length)
    return `${counts.join()} ${await lastEntry(world)}`
  }
  let before = ''
  for (let quiet = 0; quiet < 3;) {
    await sleep(40)
    const now = await position()
    quiet = now === before ? quiet + 1 : 0
    before = now
  }
}

type Entry = DecisionEntry | LookupEntry | { readonly kind: 'other' }

async function lastEntry(world: World): Promise<string> {
  const row = await world.brokers.database
    .selectFrom('audit_entry')
    .select((e) => e.fn.max('id').as('id'))
    .executeTakeFirst()
  return String(row?.id ?? 0)
}

async function entriesSince(world: World, id: string): Promise<readonly Entry[]> {
  const rows = await world.brokers.database
    .selectFrom('audit_entry')
    .select('canonical')
    .where('id', '>', id)
    .orderBy('id')
    .execute()
  return rows.map((row) => JSON.parse(row.canonical) as Entry)
}

/**
 * What reached the providers less one request for each look-up on record. It is the count that proves: a request too
 * many stays, whichever of two alike it is. What an intent names by its digest is taken for a look-up last.
 */
function withoutLookups(
  upstream: readonly Received[],
  lookups: readonly LookupEntry[],
  decisions: readonly DecisionEntry[],
): readonly Received[] {
  const digests = new Set(decisions.map((entry) => entry.bodyDigest))
  const left = [...upstream]
  for (const { method, path } of lookups) {
    const same = (request: Received) => request.method === method && request.target === path
    const plain = left.findIndex(
      (request) => same(request) && !digests.has(hash('sha256', request.body)),
    )
    const at = plain === -1 ? left.findIndex(same) : plain
    if (at !== -1) left.splice(at, 1)
  }
  return left
}

function watchMemory(): { stop(): number } {
  const start = process.memoryUsage.rss()
  let most = start
  const look = (): void => {
    most = Math.max(most, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 20)
  return {
    stop() {
      clearInterval(timer)
      look()
      return (most - start) / 1_048_576
    },
  }
}

/** Every intent has its outcome within a second, whatever became of the request (I2). */
export async function openIntents(world: World): Promise<readonly string[]> {
  await sleep(1_000)
  const entries = (await entriesSince(world, '0')) as readonly {
    kind: string
    correlationId?: string
    result?: string
  }[]
  const closed = new Map<string, number>()
  for (const { kind, correlationId } of entries)
    if (kind === 'outcome' && correlationId !== undefined)
      closed.set(correlationId, (closed.get(correlationId) ?? 0) + 1)
  return entries.flatMap(({ kind, result, correlationId = '' }) => {
    const intent = (kind === 'decision' && result === 'allow') || kind === 'lookup'
    const count = closed.get(correlationId) ?? 0
    return intent && count !== 1 ? [`${kind} ${correlationId} has ${String(count)} outcomes`] : []
  })
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.subarray(0, 80).toString('latin1'))
}

export function contains(requests: readonly Received[], needle: string): boolean {
  return requests.some((request) => request.raw.toString('latin1').includes(needle))
}

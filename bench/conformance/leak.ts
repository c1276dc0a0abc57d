/** leak_probes.json: providers that try to hand the credential, or another's answer, to the agent. */
import { number, object, text, texts, unknownMembers, type Case, type Json } from './cases.ts'
import { watchConnections } from './connections.ts'
import type { Detector } from './detector.ts'
import { probeBytes, probes } from './probe.ts'
import { replyOf } from './leak-reply.ts'
import { upstreamOf, type Outcome } from './result.ts'
import type { Reply } from './upstream.ts'
import { contains, watch, type Watched } from './watch.ts'
import { headerOf, send } from './wire.ts'
import { named, type Provider, type World } from './world.ts'

/** The same answer is given by both providers: one is asked in GraphQL, the other in REST. */
const asked: readonly {
  readonly provider: Provider
  readonly probe: string
  readonly by: string
}[] = [
  { provider: 'railway', probe: 'in_scope_read', by: 'readonly_staging' },
  { provider: 'github', probe: 'github_read', by: 'gh_readonly_staging' },
]

export async function runLeak(world: World, detector: Detector, each: Case): Promise<Outcome> {
  const notes: string[] = []
  const observed: Record<string, unknown> = {}
  const upstream: Outcome['upstream'][number][] = []
  const description = object(each.request['upstream'])
  const unknown = unknownMembers(each.request, ['agent', 'upstream'])
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)
  const agent = text(each.request['agent']) ?? ''
  if (!(agent in probes)) return { observed, upstream, notes: [`not driven: no probe "${agent}"`] }
  let leaks = 0
  for (const { provider, probe, by } of agent === 'in_scope_read'
    ? asked
    : asked.filter((one) => one.probe === agent)) {
    const ran = await runOne(world, detector, each, description, provider, probe, by)
    observed[provider] = ran.observed
    upstream.push(...ran.upstream)
    notes.push(...ran.notes.map((note) => `${provider}: ${note}`))
    leaks += ran.leaks
  }
  const limit = leaks > 0 && each.expect['documented_limit_ok'] === true
  return { observed, upstream, notes, ...(limit ? { limit } : {}) }
}

type Ran = {
  readonly observed: unknown
  readonly upstream: Outcome['upstream']
  readonly notes: readonly string[]
  readonly leaks: number
}

async function runOne(
  world: World,
  detector: Detector,
  each: Case,
  description: Json,
  provider: Provider,
  probe: string,
  by: string,
): Promise<Ran> {
  const { expect } = each
  const wanted = named[by]
  const held = wanted === undefined ? undefined : await world.capability(wanted)
  if (held === undefined || 'refused' in held) throw new Error(`there is no ${by}`)
  const upstream = world.upstreams[provider]
  const values = {
    ...world.values,
    TOKEN: world.values[`PROVIDER_TOKEN_${provider.toUpperCase()}`] ?? '',
  }
  const bytes = probeBytes(world, probe, held.token)
  const read = () => send(world.brokers.first.port, [bytes], { answers: 1, idle: 15_000 })

  if (description['oracle'] !== undefined) return oracle(world, detector, provider, bytes, values)
  if (description['post_check'] === true) {
    const watched = await watch(world, { detector }, async () => ({
      sent: bytes,
      exchanges: [await read()],
    }))
    const found = detector.findPlain(JSON.stringify(process.report.getReport()))
    const notes = [
      ...watched.broken,
      ...watched.leaks,
      ...(found ? ['a diagnostic report holds the credential'] : []),
    ]
    return {
      observed: { report: !found },
      upstream: upstreamOf(watched.forwarded),
      notes,
      leaks: found ? 1 : 0,
    }
  }

  const down = description['connect_error'] === true
  let reply: Reply | undefined
  if (down) await upstream.down()
  else {
    const made = replyOf(world.expansion, values, description)
    if (typeof made === 'string') return { observed: null, upstream: [], notes: [made], leaks: 0 }
    reply = made
    upstream.next = () => made
  }
  const connections = watchConnections()
  const status = number(description['status'])
  const watched = await watch(
    world,
    { detector, faulty: true, upstreamStatuses: status === undefined ? [] : [status] },
    async () => ({ sent: bytes, exchanges: [await read()] }),
  )
  if (down) await upstream.up()
  upstream.next = undefined
  const reached = connections.stop()

  const notes: string[] = [...watched.broken]
  const limited = expect['documented_limit_ok'] === true
  if (!limited) notes.push(...watched.leaks)
  notes.push(...answerProblems(world, expect, watched, values))
  if (reply !== undefined && watched.forwarded.length !== 1)
    notes.push('the read was not forwarded once')
  for (const host of texts(expect['no_connect_to']))
    if (reached.includes(host)) notes.push(`${host} was connected to`)
  // Twice: at once, and when whatever was left in a connection has had the time to come in.
  for (const pause of expect['next_response_must_not_contain'] === undefined ? [0] : [0, 100]) {
    const next = await send(world.brokers.first.port, [pause, bytes], { answers: 1, idle: 15_000 })
    if (next.answers[0]?.status !== 200)
      notes.push(`the next read answered ${String(next.answers[0]?.status)}`)
    for (const needle of texts(expect['next_response_must_not_contain']))
      if (next.bytes.includes(needle)) notes.push(`the next answer has ${needle}`)
    const found = detector.find(next)
    if (found !== undefined) notes.push(`the next answer shows the credential: ${found}`)
  }
  return {
    observed: { status: watched.status ?? 'closed', leaks: watched.leaks },
    upstream: upstreamOf(watched.forwarded, provider),
    notes,
    leaks: watched.leaks.length,
  }
}

function answerProblems(
  world: World,
  expect: Json,
  watched: Watched,
  values: Readonly<Record<string, string>>,
): readonly string[] {
  const notes: string[] = []
  const [answer] = watched.answers
  const all = Buffer.concat(watched.exchanges.map((exchange) => exchange.bytes)).toString('latin1')
  const status =
    text(expect['status']) ??
    (expect['status'] === undefined ? undefined : String(number(expect['status'])))
  if (status !== undefined && !status.split(/[|,/ ]+/).includes(String(watched.status)))
    notes.push(`it answered ${String(watched.status ?? 'nothing')}, not ${status}`)
  for (const word of texts(expect['body_must_not_contain']))
    if (answer?.body.includes(word) === true) notes.push(`the body has ${word}`)
  for (const name of texts(expect['agent_must_not_have_headers']))
    if (answer !== undefined && headerOf(answer, name.toLowerCase()) !== undefined)
      notes.push(`the agent gets the header ${name}`)
  for (const word of texts(expect['upstream_must_not_contain'])) {
    const needle = world.expansion.expand(word, values)
    if (contains(watched.upstream, needle)) notes.push(`the provider got ${needle}`)
  }
  const longest = number(expect['no_token_prefix_longer_than'])
  const token = values['TOKEN'] ?? ''
  if (longest !== undefined && all.includes(token.slice(0, longest + 1)))
    notes.push(`more than ${String(longest)} characters of the token passed`)
  if (answer === undefined) return notes
  const framings = answer.headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => name === 'content-length' || name === 'transfer-encoding')
  if (framings.length > 1) notes.push('the answer is framed in two ways')
  if (watched.answers.length !== 1 || watched.exchanges[0]?.rest.length !== 0)
    notes.push('the agent got more than one answer')
  return notes
}

/** What stands in place of the credential must be the same whatever was taken out, or it tells what was there. */
async function oracle(
  world: World,
  detector: Detector,
  provider: Provider,
  bytes: Buffer,
  values: Readonly<Record<string, string>>,
): Promise<Ran> {
  const token = values['TOKEN'] ?? ''
  const shown = new Set<string>()
  const notes: string[] = []
  let leaks = 0
  let forwarded: Outcome['upstream'] = []
  for (const part of [token.slice(0, 12), token.slice(0, 20), token.slice(3, 17), token]) {
    const made = replyOf(world.expansion, values, {
      status: 200,
      headers: [['Content-Type', 'application/json']],
      body: JSON.stringify({ v: part }),
    })
    if (typeof made === 'string') throw new Error(made)
    world.upstreams[provider].next = () => made
    const watched = await watch(world, { detector }, async () => ({
      sent: bytes,
      exchanges: [await send(world.brokers.first.port, [bytes], { answers: 1, idle: 15_000 })],
    }))
    notes.push(...watched.broken)
    leaks += watched.leaks.length
    forwarded = upstreamOf(watched.forwarded, provider)
    shown.add(watched.answers[0]?.body.toString('utf8') ?? '')
  }
  if (shown.size !== 1) notes.push(`the marker tells what was taken out: ${[...shown].join(' ')}`)
  return { observed: { shown: [...shown], leaks }, upstream: forwarded, notes, leaks }
}

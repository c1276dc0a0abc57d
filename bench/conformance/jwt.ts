/** jwt_attacks.json: changed capabilities, and good ones after the world has changed. */
import { number, object, text, texts, unknownMembers, type Case } from './cases.ts'
import type { Detector } from './detector.ts'
import { prepareBound, sendBound } from './dpop.ts'
import { prepare } from './jwt-steps.ts'
import { probeBytes, probes } from './probe.ts'
import { runSingleUse } from './single-use.ts'
import { skipped, upstreamOf, type Outcome } from './result.ts'
import { watch } from './watch.ts'
import { send, type Exchange } from './wire.ts'
import { named, placeholders, type World } from './world.ts'

/** What a case may need that is not there yet, and what will bring it. */
const later: Readonly<Record<string, string>> = {
  second_tenant: 'tenants are out of scope: one broker serves one organisation',
}
const present: ReadonlySet<string> = new Set([
  'none',
  'public_key',
  'issuer_key',
  'other_key',
  'admin',
  'two_instances',
  'single_use_cap',
  'dpop_cap',
  'process_control',
])

export async function runJwt(
  world: World,
  detector: Detector,
  each: Case,
  mostInFlood: number,
): Promise<Outcome> {
  const request = world.expansion.expandDeep(each.request, without(world.values, 'CAP_'))
  const needs = texts(request['needs'])
  const missing = needs.find((need) => !present.has(need) && later[need] !== undefined)
  if (missing !== undefined) return skipped(later[missing] ?? missing)
  const unmet = needs.find((need) => !present.has(need))
  if (unmet !== undefined) return skipped(`it needs "${unmet}", which this driver cannot provide`)
  // What is for a single use here is an approval.
  if (needs.includes('single_use_cap')) return runSingleUse(world, detector, each)
  const notes: string[] = []
  const unknown = unknownMembers(request, ['base', 'steps', 'needs', 'probe'])
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)

  if (needs.includes('dpop_cap')) return runBound(world, detector, each, notes, mostInFlood)

  const name = /^\{\{([A-Z_]+)\}\}$/.exec(text(each.request['base']) ?? '')?.[1] ?? ''
  const wanted = named[placeholders[name] ?? '']
  if (wanted === undefined) return skipped(`there is no capability "${String(request['base'])}"`)
  const steps = Array.isArray(request['steps']) ? request['steps'].map(object) : []
  const repointed = steps.find((step) => step['op'] === 'repoint_environment')
  let base: string
  if (repointed === undefined) base = await world.fresh(wanted)
  else {
    const apart = await world.apart(world.values['ENV_STAGING'] ?? '')
    base = apart.token
    const bound = await world.brokers.api(
      'PUT',
      `/v1/environments/${apart.environmentId}/bindings`,
      {
        bindings: [{ provider: 'railway', kind: 'environment', id: text(repointed['to']) }],
        password: world.brokers.admin.password,
      },
    )
    if (bound.status !== 200)
      notes.push(`the environment was not bound anew: ${String(bound.status)}`)
  }
  // A broker that has seen it before must refuse it all the same once it is not good any more.
  if (steps.some((step) => step['op'] === 'use_on')) {
    const { port } = await world.brokers.second()
    const seen = await send(port, [probeBytes(world, 'in_scope_read', base, port)], {
      answers: 1,
      idle: 5_000,
    })
    if (seen.answers[0]?.status !== 200)
      notes.push('the other broker did not take it while it was good')
  }
  const prepared = await prepare(
    world,
    base,
    steps.filter((step) => step !== repointed),
  )
  if (!prepared.ok) return { observed: null, upstream: [], notes: [prepared.why] }

  const probe = text(request['probe']) ?? ''
  if (!(probe in probes))
    return { observed: null, upstream: [], notes: [`not driven: no probe "${probe}"`] }
  const attempts = prepared.tokens.map((token) => probeBytes(world, probe, token, prepared.port))
  const watched = await watch(world, { detector }, async () => ({
    sent: attempts[0] ?? Buffer.alloc(0),
    exchanges: await sendAll(prepared.port, attempts),
  }))
  notes.push(...watched.broken, ...watched.leaks)
  const statuses = watched.exchanges.map((exchange) => exchange.answers[0]?.status)
  const longest = number(each.expect['max_seconds'])
  const milliseconds = Math.max(...watched.exchanges.map((exchange) => exchange.milliseconds))
  if (longest !== undefined && milliseconds > longest * 1000) notes.push('it took too long')
  notes.push(...judge(each, statuses, watched.forwarded.length))
  const decision = text(each.expect['policy_decision'])
  const choice = watched.forwarded.length > 0 ? 'allow' : 'deny'
  return {
    ...(decision === undefined ? {} : { choices: { [decision]: choice } }),
    observed: {
      statuses: [...new Set(statuses.map((status) => status ?? 'closed'))],
      forwarded: watched.forwarded.length,
    },
    upstream: upstreamOf(watched.forwarded),
    notes,
  }
}

async function runBound(
  world: World,
  detector: Detector,
  each: Case,
  notes: string[],
  mostInFlood: number,
): Promise<Outcome> {
  const probe = text(each.request['probe']) ?? ''
  const steps = Array.isArray(each.request['steps']) ? each.request['steps'].map(object) : []
  const wanted = named['readonly_staging']
  const bound =
    wanted === undefined ? undefined : await prepareBound(world, wanted, steps, mostInFlood)
  if (bound === undefined || !(probe in probes))
    return { observed: null, upstream: [], notes: ['not driven: a step or the probe is not known'] }
  const { port } = world.brokers.first
  await bound.first(probe)
  const watched = await watch(world, { detector }, async () => ({
    sent: Buffer.from(bound.token),
    exchanges: await sendBound(port, bound, probe),
  }))
  notes.push(...watched.broken, ...watched.leaks)
  if (world.brokers.log.some((line) => line.includes(bound.secret)))
    notes.push('the log holds the private key')
  const statuses = watched.answers.map(({ status }) => status)
  // However many they are: a broker that stays up by refusing good proofs is not up.
  if (each.expect['outcome'] === 'stay_up' && statuses.some((status) => status !== 200))
    notes.push('good proofs were refused')
  notes.push(...judge(each, statuses, watched.forwarded.length))
  return {
    observed: {
      statuses: [...new Set(statuses)],
      forwarded: watched.forwarded.length,
      sent: bound.count,
    },
    upstream: upstreamOf(watched.forwarded.slice(0, 20)),
    notes,
  }
}

function without(values: Readonly<Record<string, string>>, prefix: string) {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith(prefix)))
}

/** A flood is sent by a few at a time, as a client with several connections would. */
async function sendAll(port: number, attempts: readonly Buffer[]): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  for (let i = 0; i < attempts.length; i += 50)
    exchanges.push(
      ...(await Promise.all(
        attempts.slice(i, i + 50).map((bytes) => send(port, [bytes], { answers: 1, idle: 10_000 })),
      )),
    )
  return exchanges
}

function judge(each: Case, statuses: readonly (number | undefined)[], forwarded: number): string[] {
  const notes: string[] = []
  const { expect } = each
  const most = number(expect['upstream_max'])
  if (most !== undefined && forwarded > most)
    notes.push(`${String(forwarded)} requests were forwarded`)
  if (statuses.includes(number(expect['status_must_not_be'])))
    notes.push(`it answered ${String(expect['status_must_not_be'])}`)
  const all = (test: (status: number) => boolean): boolean =>
    statuses.every((status) => status === undefined || test(status))
  const refused = all((status) => status >= 400 && status < 500)
  const one = new Set(statuses).size === 1
  switch (text(expect['outcome'])) {
    case 'accept':
      if (forwarded !== 1 || !all((status) => status < 400)) notes.push('it was not accepted')
      break
    case 'reject_401':
      if (forwarded > 0 || !all((status) => [400, 401, 403].includes(status)))
        notes.push('it was not refused')
      break
    case 'reject_403':
      if (forwarded > 0 || !all((status) => status === 403))
        notes.push('it was not refused with 403')
      break
    case 'reject_4xx':
      if (forwarded > 0 || !refused) notes.push('it was not refused')
      break
    case 'reject_5xx':
      if (forwarded > 0 || !all((status) => status === 503))
        notes.push('it was not refused with 503')
      break
    case 'reject_or_same_identity':
    case 'reject_or_last':
    case 'reject_or_ignore':
    case 'reject_or_accept_documented':
      if (!one || (!refused && forwarded !== statuses.length))
        notes.push('it was neither refused nor taken')
      break
    case 'at_most_n': {
      const n = number(expect['n']) ?? 1
      if (forwarded > n) notes.push(`${String(forwarded)} requests were forwarded`)
      break
    }
    case 'stay_up':
      break
    default:
      notes.push(`not driven: the outcome "${String(expect['outcome'])}" is not known here`)
  }
  return notes
}

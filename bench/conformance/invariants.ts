/**
 * The invariants that hold for every case, whatever it expects: what is broken of them, in sentences. `watch` looks at all
 * of them after each case.
 */
import type { DecisionEntry } from '../../src/audit/entry.ts'
import { number, text, type Json } from './cases.ts'
import type { Received } from './upstream.ts'
import { headerOf, jsonOf, send, type Answer, type Exchange } from './wire.ts'
import type { Provider, World } from './world.ts'

export type Tolerated = {
  /** Statuses that the provider itself answered with, and so may be passed on. */
  readonly upstreamStatuses?: readonly number[]
  /** The case is about an upstream that fails, so that 502 and 504 are right. */
  readonly faulty?: boolean
}

/**
 * Refusals of the HTTP layer, before a capability is read: two Hosts or another's, more fields than are read. Whose
 * request it is cannot be said then, so there is no decision to record.
 */
const unread: ReadonlySet<string> = new Set(['invalid_request'])

export function statuses(answers: readonly Answer[], options: Tolerated): readonly string[] {
  return answers.flatMap(({ status }) => {
    if (status < 500 || options.upstreamStatuses?.includes(status) === true) return []
    if (options.faulty === true && (status === 502 || status === 504)) return []
    return [`it answered ${String(status)}`]
  })
}

/** I1, and invariant 3 of the cases: the real credential, once, in its own place, and nothing else that grants anything. */
export function credentialProblems(
  world: World,
  name: Provider,
  request: Received,
): readonly string[] {
  const problems: string[] = []
  const real = `Bearer ${world.values[`PROVIDER_TOKEN_${name.toUpperCase()}`] ?? ''}`
  const sent = request.headers.filter(([header]) => header.toLowerCase() === 'authorization')
  if (sent.length !== 1 || sent[0]?.[1] !== real)
    problems.push(`${request.line} did not carry the real credential, once`)
  const host = request.headers.filter(([header]) => header.toLowerCase() === 'host')
  if (host.length !== 1 || host[0]?.[1] !== world.upstreams[name].host)
    problems.push(`${request.line} named another Host`)
  const raw = request.raw.toString('latin1')
  if (world.issued.some((token) => raw.includes(token.slice(-40))))
    problems.push(`${request.line} carried a capability to the provider`)
  return problems
}

export function decisionProblems(
  answers: readonly Answer[],
  decisions: readonly DecisionEntry[],
): readonly string[] {
  const problems: string[] = []
  const counted = new Map<string, number>()
  for (const { correlationId } of decisions)
    counted.set(correlationId, (counted.get(correlationId) ?? 0) + 1)
  for (const [id, count] of counted)
    if (count > 1) problems.push(`request ${id} has ${String(count)} decisions in the audit`)
  for (const answer of answers) {
    const body = jsonOf(answer)
    const id = headerOf(answer, 'valetkey-correlation-id') ?? text(body['correlation_id'])
    if (id === undefined || answer.status === 401 || unread.has(text(body['code']) ?? '')) continue
    if (headerOf(answer, 'valetkey-decision') === undefined) continue
    if (!counted.has(id))
      problems.push(
        `a request that was answered ${String(answer.status)} ${text(body['code']) ?? ''} has no decision in the audit`,
      )
  }
  return problems
}

/** What a refusal says that the agent did not say first, of what is not the capability's own environment. */
export function disclosures(world: World, answer: Answer, sent: Buffer): readonly string[] {
  const { values, environments } = world
  if (answer.status < 400) return []
  const said = answer.body.toString('utf8').toLowerCase()
  const asked = sent.toString('utf8').toLowerCase()
  const secret = [
    environments.production.id,
    environments.production.name,
    ...['ENV_PROD', 'ENV_OTHER', 'OTHER_PROJECT_ID', 'SERVICE_OTHER', 'VOLUME_PROD', 'GH_REPO_PROD']
      .concat('VOLINST_PROD', 'DEPLOY_PROD', 'GH_REPO_PROD_ID', 'GH_NODE_PROD', 'BUCKET_ID')
      .map((name) => values[name] ?? ''),
  ]
  return secret
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase())
    .filter((word) => said.includes(word) && !asked.includes(word))
    .map((word) => `the refusal names ${word}`)
}

export function limitProblems(
  limits: Json,
  exchanges: readonly Exchange[],
  grown: number,
  lookups: number,
): readonly string[] {
  const problems: string[] = []
  const milliseconds = Math.max(0, ...exchanges.map((exchange) => exchange.milliseconds))
  const over = (name: string, found: number): void => {
    const limit = number(limits[name])
    if (limit !== undefined && found > limit)
      problems.push(`${name} is ${String(limit)}, and it was ${String(Math.round(found))}`)
  }
  over('max_ms', milliseconds)
  over('max_rss_growth_mb', grown)
  over('max_upstream_lookups', lookups)
  return problems
}

/** Over a connection of its own: one that was kept open may have been ended while thousands of answers were looked at. */
export async function healthProblems({ brokers }: World): Promise<readonly string[]> {
  const { port } = brokers.first
  const asked = `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\nConnection: close\r\n\r\n`
  const { answers, milliseconds } = await send(port, [Buffer.from(asked)], {
    answers: 1,
    idle: 1_000,
  })
  if (answers[0]?.status === 200 && milliseconds < 1_000) return []
  return ['the health endpoint did not answer within a second afterwards']
}

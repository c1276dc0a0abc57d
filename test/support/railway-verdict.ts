/** Drives the Railway adapter the way the proxy does, against a world in process: identify, locate, cover. */
import { verbCovers, type Verb } from '../../src/core/grant.ts'
import type { Invocation, JsonValue, Located, Place } from '../../src/core/operation.ts'
import type { Ask, Identified, LocateContext, ProviderRequest } from '../../src/provider/adapter.ts'
import { railwayAdapter } from '../../src/provider/railway/adapter.ts'
import { railwayExecutor } from './railway-stand-in.ts'
import type { RailwayWorld } from './railway-world.ts'

/** A POST of JSON to Railway's endpoint; `changes` replace what should differ. */
export function post(
  body: string | Buffer | JsonValue,
  changes: Partial<ProviderRequest> = {},
): ProviderRequest {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  return {
    method: 'POST',
    path: '/graphql/v2',
    query: undefined,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(text),
    ...changes,
  }
}

/** The document alone. */
export function document(query: string, variables?: JsonValue): ProviderRequest {
  return post(variables === undefined ? { query } : { query, variables })
}

export const adapter = railwayAdapter()

/** The invocations of a request that must be understood. */
export function invocations(request: ProviderRequest): readonly Invocation[] {
  const result = adapter.identify(request)
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.detail}`)
  return result.invocations
}

/** The sentence that refuses a request that must not be understood. */
export function refusal(request: ProviderRequest): string {
  const result: Identified = adapter.identify(request)
  if (result.ok) throw new Error(`understood: ${result.invocations.map((i) => i.operation).join()}`)
  return `${result.refusal.code}: ${result.refusal.detail}`
}

export type Asked = { readonly ask: Ask; readonly questions: string[] }

/** An Ask over a world. */
export function asking(world: RailwayWorld, largestPage?: number): Asked {
  const execute = railwayExecutor(world, { kind: 'account', value: 'in process' }, largestPage)
  const questions: string[] = []
  return {
    questions,
    ask: async (question) => {
      const body = question.body?.toString() ?? ''
      questions.push(body)
      return { status: 200, json: await execute(JSON.parse(body)) }
    },
  }
}

let contexts = 0

/** A request's context: fresh, bound to these Railway environments. */
export function context(ask: Ask, bound: readonly string[], fresh = true): LocateContext {
  return {
    ask,
    fresh,
    cacheKey: `context ${contexts++}`,
    bound: new Set(bound.map((id) => `environment:${id}`)),
  }
}

export type Verdict =
  | { readonly kind: 'allow' }
  | { readonly kind: 'needs_approval' }
  | { readonly kind: 'deny'; readonly why: string; readonly located?: readonly Located[] }

/** What would be decided, by the rules of the design, for a capability of these verbs in these environments. */
export async function verdict(
  request: ProviderRequest,
  verbs: readonly Verb[],
  bound: readonly string[],
  asked: Asked,
): Promise<Verdict> {
  const identified = adapter.identify(request)
  if (!identified.ok) return { kind: 'deny', why: identified.refusal.code }
  const places = new Set<Place>(bound.map((id) => `environment:${id}`))
  const shared = context(asked.ask, bound)
  for (const invocation of identified.invocations) {
    if (!verbs.some((verb) => verbCovers(verb, invocation))) return { kind: 'deny', why: 'verb' }
    if (invocation.scope === 'account') return { kind: 'deny', why: 'account' }
    if (invocation.widens.length > 0) return { kind: 'deny', why: 'widens' }
  }
  let grave = false
  for (const invocation of identified.invocations) {
    if ([...invocation.effects, ...invocation.added].some((e) => e !== 'read' && e !== 'write'))
      grave = true
    if (invocation.scope === 'public') continue
    const located = await adapter.locate(invocation, shared)
    if (located.unresolved.length > 0)
      return { kind: 'deny', why: located.unresolved[0]?.why ?? '', located: [located] }
    if (located.places.length === 0) return { kind: 'deny', why: 'nowhere' }
    if (located.places.some((found) => !places.has(found)))
      return { kind: 'deny', why: 'outside', located: [located] }
  }
  return grave ? { kind: 'needs_approval' } : { kind: 'allow' }
}

/** Requests as the broker hands them to an adapter, and what became of one. */
import type { Invocation } from '../../src/core/operation.ts'
import type { Identified, ProviderAdapter } from '../../src/provider/adapter.ts'

export type Wish = {
  /** `POST /v1/refunds?expand[]=charge`, split at its first `?` as an HTTP server does. */
  readonly line: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: string
}

export function identifyLine(adapter: ProviderAdapter, wish: Wish): Identified {
  const { line, headers = {}, json, form } = wish
  const space = line.indexOf(' ')
  const target = line.slice(space + 1)
  const mark = target.indexOf('?')
  const body = form ?? (json === undefined ? '' : JSON.stringify(json))
  const type =
    form !== undefined
      ? { 'content-type': 'application/x-www-form-urlencoded' }
      : json !== undefined
        ? { 'content-type': 'application/json' }
        : {}
  return adapter.identify({
    method: line.slice(0, space),
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    headers: { ...type, ...headers },
    body: Buffer.from(body),
  })
}

/** The one invocation; throws with the refusal where the request was not understood. */
export function invocationOf(identified: Identified): Invocation {
  if (!identified.ok) throw new Error(identified.refusal.detail)
  const [invocation] = identified.invocations
  if (invocation === undefined || identified.invocations.length !== 1)
    throw new Error('not one invocation')
  return invocation
}

/** `PaymentIntents.create+admin`: the narrowest verb that would cover it; or `refused: <why>`. */
export function verbOf(adapter: ProviderAdapter, wish: Wish): string {
  const identified = identifyLine(adapter, wish)
  if (!identified.ok) return `refused: ${identified.refusal.detail}`
  const { operation, effects, added } = invocationOf(identified)
  return [operation, ...added.filter((effect) => !effects.includes(effect))].join('+')
}

/** Requests as the broker hands them to the adapter, and the decision on one for a capability of `acme/app-staging`. */
import { decide, type Decision } from '../../../src/core/decide.ts'
import { place, type Invocation, type Located } from '../../../src/core/operation.ts'
import type { Identified, ProviderAdapter, ProviderRequest } from '../../../src/provider/adapter.ts'
import { newId } from '../../../src/ids.ts'

/** `line` is `METHOD target`; the target is split at its first `?`, as an HTTP server does. */
export function requestOf(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): ProviderRequest {
  const space = line.indexOf(' ')
  const target = line.slice(space + 1)
  const mark = target.indexOf('?')
  return {
    method: line.slice(0, space),
    path: mark === -1 ? target : target.slice(0, mark),
    query: mark === -1 ? undefined : target.slice(mark + 1),
    headers,
    body: typeof body === 'string' ? Buffer.from(body) : body,
  }
}

export const jsonType = { 'content-type': 'application/json' }

/** The only invocation of a request that was understood; throws with the refusal where it was not. */
export function invocationOf(identified: Identified): Invocation {
  if (!identified.ok) throw new Error(identified.refusal.detail)
  const [invocation] = identified.invocations
  if (invocation === undefined || identified.invocations.length !== 1)
    throw new Error('not one invocation')
  return invocation
}

const staging = new Set([place('repository', 'acme/app-staging')])
const ids = { environment: newId('environment', 0), grant: newId('grant', 0) }

/** The decision, with look-ups that say every name is still its repository's own; `deny` where it was not understood. */
export async function decisionOf(
  adapter: ProviderAdapter,
  identified: Identified,
  verbs: readonly string[],
): Promise<Decision['kind']> {
  if (!identified.ok) return 'deny'
  const invocation = invocationOf(identified)
  const located: Located = await adapter.locate(invocation, {
    ask: async ({ target }) => ({
      status: 200,
      json: { full_name: target.slice('/repos/'.length) },
    }),
    fresh: true,
    cacheKey: 'test',
    bound: staging,
  })
  const shared = { environmentId: ids.environment, provider: adapter.name, verbs }
  const decision = decide({
    now: 0,
    provider: adapter.name,
    capability: { ...shared, grantId: ids.grant, expiresAt: 1 },
    grant: {
      ...shared,
      id: ids.grant,
      state: 'active',
      constraints: [],
      approval: 'never',
      unreviewed: new Map(),
    },
    environment: {
      id: ids.environment,
      name: 'acme/staging',
      protected: false,
      places: new Map([[adapter.name, staging]]),
    },
    frozen: undefined,
    operations: [{ invocation, located }],
  })
  return decision.kind
}

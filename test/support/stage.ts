/** A broker with one agent, one grant in `pocketos/staging`, and a provider that answers whatever it is told to. */
import type { TestContext } from 'node:test'
import { openTestBroker, type TestBroker, type TestBrokerOptions } from './broker.ts'
import { openFickleUpstream, type FickleUpstream } from './fickle-upstream.ts'
import { railwayIds } from './railway-world.ts'
import { grantOn, type Granted } from './world.ts'

export const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'

/** A request that the grant of a stage covers, and for which nothing need be looked up. */
export const read = { query: `{ environment(id: "${railwayIds.staging}") { id name } }` }

export type Stage = {
  readonly broker: TestBroker
  readonly upstream: FickleUpstream
  readonly granted: Granted
}

export async function openStage(
  t: TestContext,
  options: TestBrokerOptions & { readonly grant?: Record<string, unknown> } = {},
): Promise<Stage> {
  const { grant = {}, ...rest } = options
  const upstream = await openFickleUpstream(t)
  const broker = await openTestBroker(t, { ...rest, upstreams: { railway: upstream.origin } })
  const granted = await grantOn(broker, {
    provider: 'railway',
    environment: 'pocketos/staging',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
    grant,
  })
  upstream.received.length = 0
  return { broker, upstream, granted }
}

/** The entries of the log, oldest first, as they were hashed. */
export async function entries(
  broker: TestBroker,
): Promise<readonly (Record<string, unknown> & { readonly kind: string })[]> {
  const rows = await broker.broker.db
    .selectFrom('audit_entry')
    .select('canonical')
    .orderBy('id')
    .execute()
  return rows.map((row) => JSON.parse(row.canonical) as Record<string, unknown> & { kind: string })
}

/** In a process of its own: what the providers cost before their first use, and what all catalogues together weigh. */
import { setTimeout as pause } from 'node:timers/promises'

const from = performance.now()
const { shippedProviders } = await import('../../src/provider/registry.ts')
const providers = shippedProviders()
const registryMs = performance.now() - from

const collect = async (): Promise<number> => {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.()
    await pause(50)
  }
  return process.memoryUsage().rss
}
// A broker that has served anything has a grown young generation; without this its growth would count as catalogue.
for (let i = 0; i < 200; i++)
  JSON.parse(JSON.stringify(Array.from({ length: 2_000 }, (_, n) => ({ n }))))
const before = await collect()
let counted = 0
for (const adapter of providers.values()) {
  await adapter.prepare?.()
  for (const _ of adapter.operations()) counted++
  // The first request builds what finds operations.
  for (const path of ['/', '/graphql', '/graphql/v2']) {
    adapter.identify({
      method: 'POST',
      path,
      query: undefined,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"query":"{ __typename }"}'),
    })
  }
}
const after = await collect()
process.send?.({ cataloguesMb: (after - before) / 1024 / 1024, registryMs, counted })
// Held until it was measured.
if (providers.size === 0) throw new Error('there are no providers')
process.disconnect()

/**
 * In a process of its own: what the providers cost before their first use, and what all catalogues together weigh in a
 * broker that has been at work.
 */
import { setTimeout as pause } from 'node:timers/promises'

const from = performance.now()
const { shippedProviders } = await import('../../src/provider/registry.ts')
const providers = shippedProviders()
const registryMs = performance.now() - from

const collect = async (): Promise<number> => {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await pause(50)
  }
  return process.memoryUsage().rss
}

// Their code is no catalogue.
for (const adapter of providers.values()) if (adapter.bodyLimit === 0) throw new Error(adapter.name)
// Started with all the room for what is young that V8 ever gives (see measure.ts), as a broker has it that has served
// anything: it is filled once, with what does not outlive it and leaves no room for a catalogue to hide in.
for (let i = 0; i < 20_000; i++)
  JSON.parse(JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ n }))))
const before = await collect()
let counted = 0
const each: Record<string, number> = {}
let last = before
for (const [name, adapter] of providers) {
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
  const now = await collect()
  each[name] = (now - last) / 1024 / 1024
  last = now
}
const megabytes = (last - before) / 1024 / 1024
process.send?.({ cataloguesMb: megabytes, registryMs, counted, each })
// Held until it was measured.
if (providers.size === 0) throw new Error('there are no providers')
process.disconnect()

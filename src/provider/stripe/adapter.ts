/** Stripe: its manifest and its catalogue, and what a new key proves to be. */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, ProviderAdapter, Reach } from '../adapter.ts'
import type { FactClocks } from '../facts/ask.ts'
import { restAdapter } from '../rest/adapter.ts'
import { catalogueBeside } from '../rest/open.ts'
import { manifest } from './manifest.ts'

export function stripeAdapter(clocks: Partial<FactClocks> = {}): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    ...clocks,
    reach,
  })
}

async function reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const { status, json } = await ask({
    method: 'GET',
    target: '/v1/balance',
    headers: { accept: 'application/json' },
    body: undefined,
  })
  if (status === 401) return { kind: 'rejected', detail: 'Stripe does not know this key' }
  const live = typeof json === 'object' && json !== null && 'livemode' in json && json.livemode
  if (status !== 200 || typeof live !== 'boolean') {
    return {
      kind: 'unknown',
      detail:
        'Stripe did not say whether this key is a test or a live one; a restricted key must be allowed to read the balance',
    }
  }
  const mode = live ? 'live' : 'test'
  if (bound.has(place('mode', mode))) return { kind: 'within' }
  return { kind: 'wider', detail: `this key is a ${mode} key, and its environment is not` }
}

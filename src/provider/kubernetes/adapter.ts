/** Kubernetes: its manifest and its catalogue, and what a new credential proves to reach. */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, ProviderAdapter, Reach } from '../adapter.ts'
import type { FactClocks } from '../facts/ask.ts'
import { restAdapter } from '../rest/adapter.ts'
import { catalogueBeside } from '../rest/open.ts'
import { manifest } from './manifest.ts'

export function kubernetesAdapter(clocks: Partial<FactClocks> = {}): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    ...clocks,
    reach,
  })
}

/** A credential that can list the namespaces is one of the cluster; what else it may do, Kubernetes says of each apart. */
async function reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const { status, json } = await ask({
    method: 'GET',
    target: '/api/v1/namespaces?limit=500',
    headers: { accept: 'application/json' },
    body: undefined,
  })
  if (status === 401) return { kind: 'rejected', detail: 'the cluster does not know this token' }
  const names = namesIn(json)
  if (status !== 200 || names === undefined) {
    return {
      kind: 'unknown',
      detail: 'this token may not list namespaces; what else it reaches, the cluster does not say',
    }
  }
  const outside = names.filter((name) => !bound.has(place('namespace', name)))
  if (outside.length === 0) {
    return { kind: 'unknown', detail: 'this token lists the namespaces of the cluster' }
  }
  return {
    kind: 'wider',
    detail: `this token sees ${String(outside.length)} namespaces outside of its environment`,
  }
}

function namesIn(json: unknown): readonly string[] | undefined {
  if (typeof json !== 'object' || json === null || !('items' in json)) return undefined
  const { items } = json
  if (!Array.isArray(items)) return undefined
  return items.map((item) => (item as { metadata?: { name?: string } }).metadata?.name ?? '')
}

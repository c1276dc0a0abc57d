/** DigitalOcean: its manifest, its catalogue, and what a token of it reaches. */
import type { ProviderAdapter } from '../adapter.ts'
import type { FactClocks } from '../facts/ask.ts'
import { restAdapter } from '../rest/adapter.ts'
import { catalogueBeside } from '../rest/open.ts'
import { manifest } from './manifest.ts'
import { reach } from './reach.ts'

export function digitaloceanAdapter(clocks: Partial<FactClocks> = {}): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    ...clocks,
    reach,
  })
}

/** DigitalOcean: its manifest, its catalogue, and what a token of it reaches. */
import type { ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { catalogueBeside } from '../rest/open.ts'
import { manifest } from './manifest.ts'
import { reach } from './reach.ts'

export function digitaloceanAdapter(): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    reach,
  })
}

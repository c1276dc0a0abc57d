/** DigitalOcean: its manifest, its catalogue, and what a token of it reaches. */
import { readFileSync } from 'node:fs'
import type { ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { manifest } from './manifest.ts'
import { reach } from './reach.ts'

export function digitaloceanAdapter(): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: () => readFileSync(new URL('catalogue.json', import.meta.url), 'utf8'),
    reach,
  })
}

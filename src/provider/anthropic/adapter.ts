/** Anthropic: its manifest and its catalogue. */
import { readFileSync } from 'node:fs'
import type { ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { keyReach } from '../rest/key-reach.ts'
import { manifest } from './manifest.ts'

export function anthropicAdapter(): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: () => readFileSync(new URL('catalogue.json', import.meta.url), 'utf8'),
    reach: keyReach('Anthropic', '/v1/models?limit=1'),
  })
}

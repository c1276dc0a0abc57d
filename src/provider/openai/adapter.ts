/** OpenAI: its manifest and its catalogue. */
import type { ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { keyReach } from '../rest/key-reach.ts'
import { catalogueBeside } from '../rest/open.ts'
import { manifest } from './manifest.ts'

export function openaiAdapter(): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    reach: keyReach('OpenAI', '/v1/models'),
  })
}

/** Supabase's management API: its manifest, its catalogue, and the SQL that some of its operations take. */
import type { ProviderAdapter } from '../adapter.ts'
import type { FactClocks } from '../facts/ask.ts'
import { restAdapter } from '../rest/adapter.ts'
import { catalogueBeside } from '../rest/open.ts'
import { inspect } from './inspect.ts'
import { manifest } from './manifest.ts'
import { reach } from './reach.ts'
import { prepareSql } from './sql/classify.ts'

export function supabaseAdapter(clocks: Partial<FactClocks> = {}): ProviderAdapter {
  return restAdapter({
    manifest,
    catalogue: catalogueBeside(import.meta.url),
    ...clocks,
    inspect,
    prepare: prepareSql,
    reach,
  })
}

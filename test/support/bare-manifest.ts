/** A REST provider that says nothing of itself but where its ids live. */
import type { RestManifest } from '../../src/provider/rest/manifest.ts'

export function bareManifest(homes: RestManifest['homes']): RestManifest {
  return {
    name: 'shop',
    origins: ['https://api.shop.test'],
    pathPrefixes: [],
    carriers: [],
    injections: [],
    bindings: [],
    headers: {},
    meaningfulHeaders: {},
    refusedHeaders: [],
    accepts: [],
    bodyLimit: 1000,
    rateLimitHeaders: [],
    homes,
  }
}

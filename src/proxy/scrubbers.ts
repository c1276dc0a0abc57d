/**
 * The scrubbers of the credentials in use. One is as secret as its credential: it is kept for as long as that is in use,
 * and no longer.
 */
import { LRUCache } from 'lru-cache'
import type { SecretText } from '../vault/secret-text.ts'
import { secretTexts } from './outgoing.ts'
import { createScrubber, type Scrubber } from './scrub.ts'

export type ScrubberFor = (
  credential: { readonly id: string; readonly version: number },
  secret: SecretText,
) => Scrubber

export function createScrubbers(): ScrubberFor {
  const scrubbers = new LRUCache<string, Scrubber>({ max: 200, ttl: 60_000, ttlAutopurge: false })
  return (credential, secret) => {
    const key = `${credential.id} ${String(credential.version)}`
    let scrubber = scrubbers.get(key)
    if (scrubber === undefined) scrubbers.set(key, (scrubber = createScrubber(secretTexts(secret))))
    return scrubber
  }
}

/**
 * Opens credentials for requests that are about to leave. The sealed rows are kept in memory, where they are as safe
 * as in the database. What was opened is kept for `openFor`, so that a burst of requests opens it once, and is erased
 * then; it never leaves this folder but in the hands of a caller that puts it into its request at once.
 */
import { LRUCache } from 'lru-cache'
import type { Db } from '../db/open.ts'
import {
  openCredential,
  readSealedVersion,
  type CredentialKey,
  type SealedVersion,
} from './store.ts'
import type { SecretText } from './secret-text.ts'
import type { Vault } from './vault.ts'

/** How long an opened credential may lie in memory after it was asked for, in milliseconds. */
export const openFor = 2_000

export type { CredentialKey } from './store.ts'

/**
 * The secret, to be used before anything else is awaited: it is erased without notice. Undefined where the version is
 * gone or does not open. Rejects where the database does not answer.
 */
export type OpenCredential = (credential: CredentialKey) => Promise<SecretText | undefined>

export type CredentialOpener = {
  /** For a request that it goes out with. Undefined for one that mints: its secret goes out with none. */
  readonly open: OpenCredential
  /** For minting. Undefined for one that does not mint. */
  readonly openToMint: OpenCredential
  clear(): void
}

export function createCredentialOpener(db: Db, vault: Vault): CredentialOpener {
  // A version never changes once it is written, so there is nothing to go stale; a rewrap changes only the wrapping.
  const sealed = new LRUCache<string, SealedVersion>({ max: 1_000, ttl: 60_000 })
  const opened = new Map<string, SecretText>()

  function keep(key: string, secret: SecretText): SecretText {
    const first = opened.get(key)
    if (first !== undefined) {
      // Two requests opened it at once: one of the two is enough, and the other's owner has the one that stays.
      secret.dispose()
      return first
    }
    opened.set(key, secret)
    setTimeout(() => {
      if (opened.get(key) === secret) opened.delete(key)
      secret.dispose()
    }, openFor).unref()
    return secret
  }

  async function open(credential: CredentialKey): Promise<SecretText | undefined> {
    const key = `${credential.id} ${String(credential.version)}`
    const ready = opened.get(key)
    if (ready !== undefined && !vault.sealed) return ready
    let stored = sealed.get(key)
    if (stored === undefined) {
      stored = await readSealedVersion(db, credential.id, credential.version)
      if (stored === undefined) return undefined
      sealed.set(key, stored)
    }
    const secret = await openCredential(vault, credential, stored)
    return secret === undefined ? undefined : keep(key, secret)
  }

  return {
    clear() {
      for (const secret of opened.values()) secret.dispose()
      opened.clear()
      sealed.clear()
    },
    open: (credential) =>
      credential.mint === undefined ? open(credential) : Promise.resolve(undefined),
    // What mints is opened anew each time: what it was opened with must be what it is bound to now, and a refresh token
    // may have been replaced since, in its very row.
    async openToMint(credential) {
      if (credential.mint === undefined) return undefined
      const stored = await readSealedVersion(db, credential.id, credential.version)
      if (stored === undefined) return undefined
      const secret = await openCredential(vault, credential, stored)
      if (secret !== undefined) setTimeout(() => secret.dispose(), openFor).unref()
      return secret
    },
  }
}

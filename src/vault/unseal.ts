/**
 * Opening the vault, at the start or when a person gives the passphrase. One attempt at a time, and slower after each
 * failure: each costs an argon2id of its own, and whoever asks has shown nothing yet.
 */
import type { Db } from '../db/open.ts'
import { createUnsealGate } from './kek-gate.ts'
import {
  kekFromPassphrase,
  newPassphraseParameters,
  type PassphraseParameters,
} from './kek-passphrase.ts'
import type { Kek } from './kek.ts'
import { SecretText } from './secret-text.ts'
import { recognise, registeredKek, registerKek, type KekSourceName, type Vault } from './vault.ts'

export type UnsealResult = 'opened' | 'already_open' | 'busy' | 'wrong' | 'not_a_passphrase'

export type Unsealer = {
  /** Tries a passphrase. On a new database it becomes the passphrase. */
  unseal(passphrase: string, correlationId: string): Promise<UnsealResult>
  /** Tries a key from a file or from the environment. */
  admit(kek: Kek, source: Exclude<KekSourceName, 'passphrase'>): Promise<'opened' | 'wrong'>
}

export function createUnsealer(deps: {
  readonly db: Db
  readonly vault: Vault
  readonly source: KekSourceName
  /** Called once the vault is open, before anything is answered: loads the keys that lie sealed in the database. */
  readonly opened: () => Promise<void>
  readonly record: (result: 'done' | 'refused', correlationId: string) => Promise<void>
}): Unsealer {
  async function open(
    kek: Kek,
    source: KekSourceName,
    derivation: PassphraseParameters | undefined,
  ): Promise<'opened' | 'wrong'> {
    const registered = await registeredKek(deps.db)
    if (registered === undefined) await registerKek(deps.db, kek, source, derivation)
    else if (!(await recognise(kek, registered))) {
      kek.destroy()
      return 'wrong'
    }
    deps.vault.unlock(kek, source)
    try {
      await deps.opened()
    } catch (error) {
      deps.vault.lock()
      throw error
    }
    return 'opened'
  }

  const attempt = createUnsealGate(async (passphrase) => {
    const registered = await registeredKek(deps.db)
    if (registered !== undefined && registered.source !== 'passphrase') {
      return { ok: false as const, reason: 'not_a_passphrase' as const }
    }
    const derivation =
      registered === undefined
        ? newPassphraseParameters()
        : (registered.derivation as PassphraseParameters)
    const derived = await kekFromPassphrase(passphrase, derivation)
    if (!derived.ok) return { ok: false as const, reason: 'wrong' as const }
    const result = await open(derived.kek, 'passphrase', derivation)
    return result === 'opened'
      ? { ok: true as const }
      : { ok: false as const, reason: 'wrong' as const }
  })

  return {
    admit: (kek, source) => open(kek, source, undefined),
    async unseal(text, correlationId) {
      if (deps.source !== 'passphrase') return 'not_a_passphrase'
      if (!deps.vault.sealed) return 'already_open'
      const passphrase = SecretText.of(text)
      try {
        const result = await attempt(passphrase)
        if (result.ok) {
          await deps.record('done', correlationId)
          return 'opened'
        }
        if (result.reason === 'wrong') await deps.record('refused', correlationId)
        return result.reason
      } finally {
        passphrase.dispose()
      }
    },
  }
}

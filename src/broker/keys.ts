/**
 * The keys of capabilities, sign-ins and cursors, which lie sealed in the database: there are none until the vault opens,
 * and whatever needs one refuses until then.
 */
import type { AuditLog } from '../audit/log.ts'
import { ensureKeys, loadKeyring, type Keyring, type KeySealer } from '../capability/keys.ts'
import type { Db } from '../db/open.ts'
import { createTableSealer } from '../vault/row-sealer.ts'
import { createUnsealer, type Unsealer } from '../vault/unseal.ts'
import type { KekSourceName, Vault } from '../vault/vault.ts'

export type Keys = {
  readonly sealer: KeySealer
  readonly unsealer: Unsealer
  /** Undefined while the vault has not been opened. */
  readonly keyring: () => Keyring | undefined
  /** As they are in the database by now; nothing while the vault is sealed. */
  reload(): Promise<void>
}

export function openKeys(deps: {
  readonly db: Db
  readonly vault: Vault
  readonly kekSource: KekSourceName
  readonly audit: AuditLog
  /** Milliseconds since the epoch. */
  readonly now: () => number
}): Keys {
  const { db, vault, audit, now } = deps
  const sealer = createTableSealer(vault, 'signing_key')
  let keyring: Keyring | undefined
  const unsealer = createUnsealer({
    db,
    vault,
    source: deps.kekSource,
    async opened() {
      await ensureKeys(db, sealer, now())
      keyring = await loadKeyring(db, sealer, now())
    },
    record: (result, correlationId) =>
      audit.append({
        kind: 'system',
        result,
        at: now(),
        correlationId,
        actor: { kind: 'system', id: 'vault' },
        action: 'vault.unseal',
      }),
  })
  return {
    sealer,
    unsealer,
    keyring: () => keyring,
    async reload() {
      if (!vault.sealed) keyring = await loadKeyring(db, sealer, now())
    },
  }
}

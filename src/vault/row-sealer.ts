/**
 * Seals what is secret and no credential, for stores that know no vault: signing keys, one-time codes, sign-ins, parked
 * requests, what was handed out. Guarantee, against whoever can write the database but has not the key: each value opens
 * in the row that it was sealed for, and in no other.
 */
import type { Associated } from './seal.ts'
import { SecretText } from './secret-text.ts'
import type { Vault } from './vault.ts'

/** For rows whose values are bound to more than the row: each time, to what is said. */
export type RowSealer = {
  /** The id of the key that it seals under. Throws while the vault is sealed, as all of these do. */
  readonly kekId: () => string
  /** Erases the plaintext. */
  seal(plaintext: Buffer, binding: Associated): Promise<Buffer>
  /** Undefined where it does not open. The caller zeroes what it gets. */
  open(sealed: Buffer, binding: Associated): Promise<Buffer | undefined>
}

/** For one table, whose rows are told apart by their ids alone. */
export type TableSealer = {
  readonly kekId: () => string
  /** Leaves the plaintext to the caller. */
  seal(plaintext: Buffer, id: string): Promise<Buffer>
  /** The caller zeroes what it gets. Rejects where it does not open. */
  open(sealed: Buffer, id: string): Promise<Buffer>
}

/** The tables of the second kind. */
export type SealedTable = 'signing_key' | 'one_time_code' | 'operator_session'

/** What a sealed value of such a table is bound to. */
export function tableBinding(table: SealedTable, id: string): Associated {
  return { table, id, provider: '', environment: '', version: 1 }
}

export function createRowSealer(vault: Vault): RowSealer {
  return {
    kekId: () => vault.kekId,
    async seal(plaintext, binding) {
      const secret = SecretText.take(plaintext)
      try {
        return await vault.seal(secret, binding)
      } finally {
        secret.dispose()
      }
    },
    async open(sealed, binding) {
      const opened = await vault.open(sealed, binding)
      return opened.ok ? bytesOf(opened.secret) : undefined
    },
  }
}

export function createTableSealer(vault: Vault, table: SealedTable): TableSealer {
  const rows = createRowSealer(vault)
  return {
    kekId: rows.kekId,
    seal: (plaintext, id) => rows.seal(Buffer.from(plaintext), tableBinding(table, id)),
    async open(sealed, id) {
      const opened = await vault.open(sealed, tableBinding(table, id))
      if (!opened.ok) throw new Error(`a row of ${table} does not open: ${opened.error}`)
      return bytesOf(opened.secret)
    },
  }
}

function bytesOf(secret: SecretText): Buffer {
  const bytes = Buffer.from(secret.revealBytes())
  secret.dispose()
  return bytes
}

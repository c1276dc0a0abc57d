/**
 * The key-encryption key from a passphrase that only people know; it is held in memory and nowhere else. Guarantees,
 * against whoever has the database: each guess at the passphrase costs one argon2id (RFC 9106) of at least 64 MiB.
 * Against whoever can write to the database, where the parameters are kept: they can neither lower that cost nor raise it until unsealing
 * exhausts the machine.
 */
import { randomBytes } from 'node:crypto'
import * as argon2 from 'argon2'
import { keyLength } from './kek-aead.ts'
import { kekFromBytes } from './kek-key.ts'
import type { KekOpened, KekRefusal } from './kek.ts'
import type { SecretText } from './secret-text.ts'

/** Plain data, kept in the database. None of it is secret. */
export type PassphraseParameters = {
  /** 16 to 64 bytes, in base64url. */
  readonly salt: string
  /** In KiB. */
  readonly memoryCost: number
  /** Passes over the memory. */
  readonly timeCost: number
  readonly parallelism: number
}

/** What is accepted from the database. The lower bounds are RFC 9106's second recommended option (section 4). */
const bounds = {
  memoryCost: [65_536, 1_048_576],
  timeCost: [3, 16],
  parallelism: [1, 8],
} as const

/** The longest passphrase, in bytes. */
const longest = 1024

/** Parameters for a new passphrase. They must be the same at every unsealing. */
export function newPassphraseParameters(): PassphraseParameters {
  return {
    salt: randomBytes(16).toString('base64url'),
    memoryCost: 65_536,
    timeCost: 3,
    parallelism: 4,
  }
}

/**
 * Derives the key; takes a fraction of a second and `memoryCost` of memory. A wrong passphrase gives another key, not a
 * refusal: `verifyKek` tells. The passphrase stays with the caller, who disposes of it.
 */
export async function kekFromPassphrase(
  passphrase: SecretText,
  parameters: PassphraseParameters,
): Promise<KekOpened | KekRefusal> {
  // From the database: the type is only what they should be.
  const text: unknown = parameters.salt
  const salt = Buffer.from(typeof text === 'string' ? text : '', 'base64url')
  if (salt.length < 16 || salt.length > 64 || salt.toString('base64url') !== text) {
    return refuse('the salt of the passphrase is not 16 to 64 bytes in base64url')
  }
  for (const name of ['memoryCost', 'timeCost', 'parallelism'] as const) {
    const [least, most] = bounds[name]
    const value = parameters[name]
    if (!Number.isInteger(value) || value < least || value > most) {
      return refuse(`the parameter ${name} of the passphrase is not within ${least} to ${most}`)
    }
  }
  const { length } = passphrase.revealBytes()
  if (length === 0 || length > longest) return refuse(`a passphrase has 1 to ${longest} bytes`)
  // The same letters typed on another system can be other code points; NFC is one of each.
  const password = Buffer.from(passphrase.reveal().normalize('NFC'))
  try {
    const { memoryCost, timeCost, parallelism } = parameters
    const secret = await argon2.hash(password, {
      raw: true,
      type: argon2.argon2id,
      hashLength: keyLength,
      salt,
      memoryCost,
      timeCost,
      parallelism,
    })
    return { ok: true, kek: kekFromBytes(secret) }
  } finally {
    password.fill(0)
  }
}

function refuse(detail: string): KekRefusal {
  return { ok: false, reason: 'malformed', detail }
}

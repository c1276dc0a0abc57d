/**
 * Nonces for DPoP proofs (RFC 9449 §8, §9). Against proofs that somebody who had the key for a moment made in stock: a
 * proof is good only with a nonce that this broker gave out minutes ago. Nothing is stored: a nonce is its minute and a
 * MAC of it under a key that every replica derives from the keyring, so that any of them takes what another gave. Who asks
 * in the same minute gets the same one; what is single is the proof.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Milliseconds. */
const minute = 60_000
/** In minutes: how old one may be, and how far ahead another replica's clock. */
const oldest = 5
const ahead = 1
const macBytes = 16

export type Nonces = {
  /** What a client is to put into its next proofs; undefined while the broker is sealed. */
  current(now: number): string | undefined
  /** `fresh`: of this minute. `old`: good, and the client is to be told the current one. */
  judge(nonce: string, now: number): 'fresh' | 'old' | 'refused'
}

/** `secret`: the key of the nonces, undefined while the broker is sealed. */
export function createNonces(secret: () => Buffer | undefined): Nonces {
  function nonceOf(at: number, key: Buffer): Buffer {
    const bytes = Buffer.alloc(4 + macBytes)
    bytes.writeUInt32BE(at)
    createHmac('sha256', key).update(bytes.subarray(0, 4)).digest().copy(bytes, 4, 0, macBytes)
    return bytes
  }
  return {
    current(now) {
      const key = secret()
      return key === undefined
        ? undefined
        : nonceOf(Math.floor(now / minute), key).toString('base64url')
    },
    judge(nonce, now) {
      const key = secret()
      const given = Buffer.from(nonce, 'base64url')
      if (key === undefined || given.length !== 4 + macBytes) return 'refused'
      if (given.toString('base64url') !== nonce) return 'refused'
      const at = given.readUInt32BE()
      const age = Math.floor(now / minute) - at
      if (age > oldest || age < -ahead) return 'refused'
      if (!timingSafeEqual(given, nonceOf(at, key))) return 'refused'
      return age <= 0 ? 'fresh' : 'old'
    },
  }
}

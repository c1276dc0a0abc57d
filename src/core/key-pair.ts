/** Whether a private key is of one piece: stored or generated anywhere, its public part may be that of another. */
import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto'

/** False for a key whose signatures its own public part does not verify. For RSA and elliptic curves. */
export function isWhole(privateKey: KeyObject): boolean {
  const probe = Buffer.from('probe')
  try {
    return verify('sha256', probe, createPublicKey(privateKey), sign('sha256', probe, privateKey))
  } catch {
    // The same as a signature that is none.
    return false
  }
}

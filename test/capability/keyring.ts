/** A keyring out of thin air, with the private key at hand: what a broker's keyring looks like to the verifier. */
import { exportJWK, generateKeyPair, type CryptoKey } from 'jose'
import type { Keyring } from '../../src/capability/keys.ts'

export type TestKeyring = Keyring & { readonly kid: string; readonly privateKey: CryptoKey }

export async function testKeyring(retiresAt = Number.POSITIVE_INFINITY): Promise<TestKeyring> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const kid = 'sk_test'
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }
  const verification = (asked: string, now: number) =>
    asked === kid && retiresAt > now ? { kid, key: publicKey, jwk } : undefined
  return {
    kid,
    privateKey,
    signing: () => ({ kid, key: privateKey }),
    verification,
    jwks: () => ({ keys: [jwk] }),
    operatorSecret: Buffer.alloc(32, 1),
    nonceSecret: Buffer.alloc(32, 2),
    handleKeys: { mark: Buffer.alloc(32, 3), record: Buffer.alloc(32, 4) },
    signCursor: (text) => text,
    verifyCursor: (text, mac) => text === mac,
  }
}

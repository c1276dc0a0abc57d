/**
 * What an authenticator says of a ceremony (WebAuthn §6.1, §6.5): bytes that whoever sends them chose. What is not wholly
 * of the right form reads as undefined.
 */
export type AuthenticatorData = {
  readonly rpIdHash: Uint8Array
  readonly present: boolean
  readonly verified: boolean
  readonly synced: boolean
  readonly counter: number
  readonly credentialId: Uint8Array | undefined
  readonly publicKey: Uint8Array | undefined
  readonly aaguid: Uint8Array | undefined
}

export async function readAuthenticatorData(
  bytes: Uint8Array,
): Promise<AuthenticatorData | undefined> {
  const { parseAuthenticatorData } = await import('@simplewebauthn/server/helpers')
  try {
    // A copy: the library writes into what it parses.
    const parsed = parseAuthenticatorData(new Uint8Array(bytes))
    const { flags } = parsed
    // Backed up without being allowed to be (WebAuthn §6.1.3): no authenticator says so.
    if (flags.bs && !flags.be) return undefined
    return {
      rpIdHash: parsed.rpIdHash,
      present: flags.up,
      verified: flags.uv,
      synced: flags.be,
      counter: parsed.counter,
      credentialId: parsed.credentialID,
      publicKey: parsed.credentialPublicKey,
      aaguid: parsed.aaguid,
    }
  } catch {
    return undefined
  }
}

export async function readAttestation(
  bytes: Uint8Array,
): Promise<{ readonly data: AuthenticatorData; readonly certified: boolean } | undefined> {
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers')
  try {
    const decoded = decodeAttestationObject(new Uint8Array(bytes))
    const data = await readAuthenticatorData(decoded.get('authData'))
    if (data === undefined) return undefined
    const format = decoded.get('fmt')
    // A browser leaves self attestation as it is: a signature by the key itself, with no certificate.
    const own = format === 'packed' && decoded.get('attStmt').get('x5c') === undefined
    return { data, certified: format !== 'none' && !own }
  } catch {
    return undefined
  }
}

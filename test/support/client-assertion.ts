/** Keys that an agent holds, and assertions signed with them: whatever a header or a claim is to say. */
import {
  constants,
  createHmac,
  generateKeyPairSync,
  randomUUID,
  sign as signBytes,
  type KeyObject,
} from 'node:crypto'

export type TestAlgorithm = 'EdDSA' | 'ES256' | 'PS256' | 'RS256'

export type TestKey = {
  readonly algorithm: TestAlgorithm
  readonly publicJwk: Readonly<Record<string, string>>
  readonly privateKey: KeyObject
}

export const publicUrl = 'http://localhost:8474'
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function newTestKey(algorithm: TestAlgorithm = 'EdDSA', kid?: string): TestKey {
  const { publicKey, privateKey } =
    algorithm === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : algorithm === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  return {
    algorithm,
    publicJwk: { ...jwk, alg: algorithm, ...(kid === undefined ? {} : { kid }) },
    privateKey,
  }
}

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export function signatureOf({ algorithm, privateKey: key }: TestKey, input: string): Buffer {
  const data = Buffer.from(input)
  switch (algorithm) {
    case 'EdDSA':
      return signBytes(null, data, key)
    case 'ES256':
      return signBytes('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    case 'PS256':
      return signBytes('sha256', data, {
        key,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 32,
      })
    case 'RS256':
      return signBytes('sha256', data, key)
  }
}

/** Signed, whatever it says. */
export function signed(key: TestKey, header: unknown, claims: unknown): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${signatureOf(key, input).toString('base64url')}`
}

export function macced(secret: string | Buffer, header: unknown, claims: unknown): string {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** The claims of a good assertion, made anew at each call; a member that is undefined is left out. */
export function assertionClaims(
  agentId: string,
  now = Date.now(),
  other: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const at = Math.floor(now / 1000)
  return {
    iss: agentId,
    sub: agentId,
    aud: publicUrl,
    jti: randomUUID(),
    iat: at,
    nbf: at,
    exp: at + 60,
    ...other,
  }
}

/** A good assertion, but for what is asked for. */
export function assertionOf(
  key: TestKey,
  agentId: string,
  other: {
    readonly header?: Readonly<Record<string, unknown>>
    readonly claims?: Readonly<Record<string, unknown>>
    readonly now?: number
  } = {},
): string {
  const header = { alg: key.algorithm, typ: 'client-authentication+jwt', ...other.header }
  return signed(key, header, assertionClaims(agentId, other.now, other.claims))
}

export type OAuthAnswer = { readonly status: number; readonly body: Record<string, unknown> }

/** A form to an OAuth endpoint, with an assertion. */
export async function withAssertion(
  url: string,
  assertion: string,
  fields: Readonly<Record<string, string>> = { grant_type: 'client_credentials' },
  headers: Readonly<Record<string, string>> = {},
  path = '/oauth/token',
): Promise<OAuthAnswer> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({
      client_assertion_type: assertionType,
      client_assertion: assertion,
      ...fields,
    }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

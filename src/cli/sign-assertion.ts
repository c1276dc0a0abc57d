/**
 * Signs in as an agent with a key of its own (RFC 7523): the key stays on this machine, and what is sent is good once,
 * for a minute, at the broker that it is sent to and nowhere else. The audience is the address that was asked for, not
 * one that the other side names: whoever poses as the broker gets nothing to show to the real one.
 */
import { createPrivateKey, createPublicKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { readPublicKey, type PublicKey } from '../core/public-jwk.ts'
import { usage } from './failure.ts'
import { readPrivate } from './private-file.ts'

/** Seconds. */
const life = 60

/** The parameters of a form by which the agent is known. */
export async function signAssertion(asked: {
  readonly agent: string
  readonly audience: string
  readonly path: string
  /** Milliseconds since the epoch. */
  readonly now: number
}): Promise<Readonly<Record<string, string>>> {
  const { privateKey, publicKey } = await readKeyPair(asked.path)
  const now = Math.floor(asked.now / 1000)
  const assertion = await new SignJWT()
    // By its thumbprint: whatever it was called when it was registered, this names it.
    .setProtectedHeader({
      alg: publicKey.algorithm,
      kid: publicKey.thumbprint,
      typ: 'client-authentication+jwt',
    })
    .setIssuer(asked.agent)
    .setSubject(asked.agent)
    .setAudience(asked.audience)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + life)
    .sign(privateKey)
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  }
}

async function readKeyPair(
  path: string,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: PublicKey }> {
  const text = await readPrivate(path, 'The private key file', { follow: true })
  if (text === undefined) throw usage(`The private key file ${path} is not there.`)
  let privateKey: KeyObject
  let alg: unknown
  try {
    if (text.trimStart().startsWith('{')) {
      const jwk = JSON.parse(text) as Record<string, unknown>
      alg = jwk['alg']
      privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
    } else privateKey = createPrivateKey(text)
  } catch {
    throw usage(
      `The private key file ${path} holds neither a private JWK nor PEM without a passphrase.`,
    )
  }
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  const read = readPublicKey(alg === undefined ? jwk : { ...jwk, alg })
  if (!read.ok) throw usage(`The private key file ${path} is not used: ${read.detail}.`)
  return { privateKey, publicKey: read.key }
}

/**
 * A file with a public key: a JWK, or PEM as openssl writes it. A private key in it never leaves this machine: it is
 * refused here, before anything is sent.
 */
import { createPublicKey } from 'node:crypto'
import { readPublicKey } from '../core/public-jwk.ts'
import { usage } from './failure.ts'
import { readObject, readText } from './provider-file.ts'

/** The JWK, as it is to be registered. */
export async function readPublicKeyFile(flag: string, path: string): Promise<unknown> {
  const text = await readText(flag, path)
  const pem = /-----BEGIN ([A-Z ]+)-----/.exec(text)?.[1]
  let jwk: unknown
  if (pem === undefined) jwk = await readObject(flag, path)
  // Of a private key, `createPublicKey` would take the public half: whoever named the wrong file should hear of it.
  else if (pem !== 'PUBLIC KEY')
    throw usage(
      `The file of ${flag} must hold a PUBLIC KEY; this one holds a ${pem.includes('PRIVATE') ? 'private key, which stays where it is' : 'PEM of another kind'}.`,
      'Take its public half:  openssl pkey -in agent.pem -pubout -out agent.pub.pem',
    )
  else {
    try {
      jwk = createPublicKey(text).export({ format: 'jwk' })
    } catch {
      throw usage(`The file of ${flag} is not PEM that can be read.`)
    }
  }
  const read = readPublicKey(jwk)
  if (!read.ok) throw usage(`The key of ${flag} is not sent: ${read.detail}.`)
  return jwk
}

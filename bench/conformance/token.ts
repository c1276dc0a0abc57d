/** A capability taken apart, so that a case can change it, and be signed again by whoever the case says. */
import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  sign as signWith,
  type KeyObject,
  webcrypto,
} from 'node:crypto'
import { exportJWK, exportSPKI, importJWK } from 'jose'
import type { World } from './world.ts'

export type Parts = {
  header: string
  payload: string
  signature: Buffer
  readonly original: Parts | undefined
}

export function takeApart(token: string): Parts {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const parts = {
    header: Buffer.from(header, 'base64url').toString('utf8'),
    payload: Buffer.from(payload, 'base64url').toString('utf8'),
    signature: Buffer.from(signature, 'base64url'),
  }
  return { ...parts, original: { ...parts, original: undefined } }
}

export function putTogether(parts: Parts): string {
  return `${signingInput(parts)}.${parts.signature.toString('base64url')}`
}

function signingInput({ header, payload }: Parts): string {
  const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64url')
  return `${encode(header)}.${encode(payload)}`
}

/** Signs as a case names the key; undefined where it names one that this driver does not know. */
export async function sign(world: World, parts: Parts, key: string): Promise<boolean> {
  const input = Buffer.from(signingInput(parts))
  const [kind, ...rest] = key.split(':')
  switch (kind) {
    case 'issuer': {
      const keyring = world.brokers.first.broker.deps.keyring()
      if (keyring === undefined) throw new Error('the broker is sealed')
      const { key: signer } = keyring.signing(Date.now())
      parts.signature = Buffer.from(await crypto.subtle.sign('Ed25519', signer, input))
      return true
    }
    case 'attacker': {
      const signed = signAsAttacker(rest[0] ?? 'EdDSA', input)
      if (signed === undefined) return false
      parts.signature = signed
      return true
    }
    case 'keep':
      return true
    case 'empty':
      parts.signature = Buffer.alloc(0)
      return true
    case 'zeros':
      parts.signature = Buffer.alloc(64)
      return true
    case 'hs256': {
      const secret = await hmacSecret(world, rest)
      if (secret === undefined) return false
      parts.signature = createHmac('sha256', secret).update(input).digest()
      return true
    }
    case 'other_purpose_key': {
      const secret = world.brokers.first.broker.deps.keyring()?.operatorSecret
      parts.signature = createHmac('sha256', createSecretKey(secret ?? Buffer.alloc(32)))
        .update(input)
        .digest()
      return true
    }
    default:
      return false
  }
}

const attackerKeys = new Map<string, KeyObject>()

function attackerKey(name: string, make: () => KeyObject): KeyObject {
  let key = attackerKeys.get(name)
  if (key === undefined) attackerKeys.set(name, (key = make()))
  return key
}

function signAsAttacker(alg: string, input: Buffer): Buffer | undefined {
  const bits = alg.slice(2)
  switch (alg.slice(0, 2)) {
    case 'Ed':
      return signWith(
        null,
        input,
        attackerKey('Ed', () => generateKeyPairSync('ed25519').privateKey),
      )
    case 'ES': {
      const namedCurve = { 256: 'P-256', 384: 'P-384', 512: 'P-521' }[bits]
      if (namedCurve === undefined) return undefined
      const key = attackerKey(alg, () => generateKeyPairSync('ec', { namedCurve }).privateKey)
      return signWith(`sha${bits}`, input, { key, dsaEncoding: 'ieee-p1363' })
    }
    case 'RS':
    case 'PS': {
      const key = attackerKey(
        'rsa',
        () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
      )
      return signWith(`sha${bits}`, input, alg.startsWith('PS') ? { key, padding: 6 } : key)
    }
    case 'HS':
      return createHmac(`sha${bits}`, 'attacker').update(input).digest()
    default:
      return undefined
  }
}

/** `text:<secret>`, or the published key in one of the forms that a verifier may have it in. */
async function hmacSecret(
  world: World,
  [kind, form]: readonly string[],
): Promise<Buffer | undefined> {
  if (kind === 'text') return Buffer.from(form ?? '')
  if (kind !== 'public_key') return undefined
  const response = await fetch(`${world.brokers.first.url}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: { x: string; kty: string; crv: string }[] }
  const [jwk] = keys
  if (jwk === undefined) return undefined
  const key = (await importJWK(jwk, 'EdDSA', { extractable: true })) as webcrypto.CryptoKey
  const pem = await exportSPKI(key)
  const raw = Buffer.from(jwk.x, 'base64url')
  switch (form) {
    case undefined:
    case 'pem':
      return Buffer.from(`${pem.trim()}\n`)
    case 'pem_ws':
      return Buffer.from(` ${pem.trim()} \r\n`)
    case 'pem_nonl':
      return Buffer.from(pem.trim())
    case 'der':
    case 'spki':
      return Buffer.from(await webcrypto.subtle.exportKey('spki', key))
    case 'raw':
    case 'bytes':
      return raw
    case 'x':
      return Buffer.from(jwk.x)
    case 'jwk':
      return Buffer.from(JSON.stringify(await exportJWK(key)))
    case 'jwk_full':
    case 'jwks':
      return Buffer.from(JSON.stringify(form === 'jwks' ? { keys } : jwk))
    default:
      return undefined
  }
}

/** Ed25519's group order; a signature plus it verifies where S is not held below it (RFC 8032 §5.1.7). */
const order = 2n ** 252n + 27742317777372353535851937790883648493n

export function malleate(signature: Buffer): Buffer {
  const scalar = signature.subarray(32)
  const hex = Buffer.from(scalar.toReversed()).toString('hex')
  let s = BigInt(`0x${hex}`) + order
  const bytes = Buffer.alloc(32)
  for (let i = 0; i < 32; i++) {
    bytes[i] = Number(s & 0xffn)
    s >>= 8n
  }
  return Buffer.concat([signature.subarray(0, 32), bytes])
}

import assert from 'node:assert/strict'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
} from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { complaintAboutKey, readRsaKey } from '../../src/minting/rsa-key.ts'
import { rsaKey } from '../support/minting.ts'

const { pkcs1, pkcs8 } = rsaKey()

describe('the private key of an App or a service account', () => {
  it('is read from PKCS#1 and PKCS#8, with either line end', () => {
    for (const good of [pkcs1, pkcs8, pkcs8.trimEnd(), pkcs1.replaceAll('\n', '\r\n')])
      assert.equal(complaintAboutKey(good), undefined)
  })

  it('is none in any other form, and nothing is said of what it holds', () => {
    const jwk = createPrivateKey(pkcs1).export({ format: 'jwk' })
    const rsa = (options: { modulusLength: number; publicExponent?: number }) =>
      generateKeyPairSync('rsa', options).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const encrypted = {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    } as const
    const body = pkcs8.split('\n').slice(1, -2).join('\n')
    const hostile: readonly string[] = [
      '',
      'x',
      body,
      `${pkcs1}${pkcs8}`,
      `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${pkcs1}`,
      pkcs1.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n'),
      pkcs1.replaceAll('RSA PRIVATE', 'PRIVATE'),
      pkcs1.replace('BEGIN RSA PRIVATE', 'BEGIN PRIVATE'),
      pkcs8.replace(body, body.slice(0, 400)),
      pkcs8.replace(body, `${body}\0`),
      pkcs8.replace(body, 'A'.repeat(15_000)),
      pkcs8.replace(body, 'A'.repeat(1_000_000)),
      createPublicKey(pkcs1).export({ type: 'spki', format: 'pem' }).toString(),
      createPublicKey(pkcs1).export({ type: 'pkcs1', format: 'pem' }).toString(),
      createPrivateKey(pkcs1).export(encrypted).toString(),
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
      rsa({ modulusLength: 1024 }).toString(),
      rsa({ modulusLength: 2048, publicExponent: 3 }).toString(),
      JSON.stringify(jwk),
    ]
    for (const text of hostile) {
      const complaint = complaintAboutKey(text)
      assert.ok(complaint !== undefined, text.slice(0, 80))
      assert.ok(complaint.length < 150)
      assert.match(complaint, /^the private key is [A-Za-z0-9 (),#.’':]+$/)
    }
  })

  it('is none where its parts are of two keys', () => {
    const own: JsonWebKey = createPrivateKey(pkcs1).export({ format: 'jwk' })
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
      format: 'jwk',
    })
    const mixed = { ...own, n: other.n, e: other.e } as JsonWebKey
    const key = createPrivateKey({ key: mixed, format: 'jwk' })
    const text = key.export({ type: 'pkcs8', format: 'pem' }).toString()
    assert.equal(complaintAboutKey(text), 'the parts of the private key do not belong together')
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.base64String({ minLength: 64, maxLength: 900 }), (text) => {
        for (const name of ['PRIVATE KEY', 'RSA PRIVATE KEY'])
          assert.equal(
            readRsaKey(`-----BEGIN ${name}-----\n${text}\n-----END ${name}-----\n`),
            undefined,
          )
      }),
    )
  })
})

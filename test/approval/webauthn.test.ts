import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { assertionOptions, registrationOptions } from '../../src/approval/ceremony.ts'
import {
  counterMoved,
  verifyAssertion,
  verifyRegistration,
  type AssertionRefusal,
  type PasskeyKey,
  type RegistrationRefusal,
} from '../../src/approval/webauthn.ts'
import { decisionDigest } from '../../src/core/decision.ts'
import { newId } from '../../src/ids.ts'
import { approvalDocument } from '../support/approval-document.ts'
import {
  coseKey,
  createAuthenticator,
  type Misbehaviour,
  type VirtualAuthenticator,
} from '../support/authenticator.ts'

const publicUrl = 'https://broker.acme.example'
const approverId = newId('operator')
const document = approvalDocument()
const decision = 'approve' as const

function keyOf(authenticator: VirtualAuthenticator, counter = 0): PasskeyKey {
  const { credentialId, publicKey } = authenticator
  return { operatorId: approverId, credentialId, publicKey, counter }
}

async function decide(
  authenticator: VirtualAuthenticator,
  wrong: Misbehaviour = {},
  passkey: PasskeyKey = keyOf(authenticator),
): Promise<AssertionRefusal | number> {
  const passkeys = [{ credentialId: authenticator.credentialId, transports: [] }]
  const now = document.requestedAt
  const given = { document, decision, approverId, passkeys, publicUrl, now }
  const options = await assertionOptions(given)
  const assertion = authenticator.assert(options, wrong)
  const result = await verifyAssertion({ ...given, passkey, assertion })
  return result.ok ? result.counter : result.refusal
}

test('an assertion by a passkey of each accepted kind is good', async () => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const)
    assert.equal(await decide(createAuthenticator({ origin: publicUrl, algorithm })), 1, algorithm)
})

test('an assertion is refused that', async (t) => {
  const authenticator = createAuthenticator({ origin: publicUrl })
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const otherDecision = decisionDigest(document, 'deny', approverId).toString('base64url')
  const cases: readonly (readonly [string, Misbehaviour, AssertionRefusal])[] = [
    ['is of another origin', { origin: 'https://broker.acme.example.evil.test' }, 'wrong_origin'],
    ['is of the same host in the clear', { origin: 'http://broker.acme.example' }, 'wrong_origin'],
    ['is of another port', { origin: `${publicUrl}:8443` }, 'wrong_origin'],
    ['was made in another site’s frame', { crossOrigin: true }, 'framed'],
    ['names a page around it', { topOrigin: 'https://evil.test' }, 'framed'],
    ['is for another host', { rpId: 'evil.test' }, 'wrong_relying_party'],
    ['is for the parent domain', { rpId: 'acme.example' }, 'wrong_relying_party'],
    ['had no verified user', { userVerified: false }, 'user_not_verified'],
    ['had nobody present', { userPresent: false }, 'user_not_present'],
    [
      'has another challenge',
      { challenge: randomBytes(32).toString('base64url') },
      'wrong_challenge',
    ],
    ['says no, used as yes', { challenge: otherDecision }, 'wrong_challenge'],
    ['is a registration', { type: 'webauthn.create' }, 'wrong_type'],
    ['is signed by another key', { key: stranger }, 'wrong_signature'],
    ['has no signature to speak of', { signature: () => Buffer.from('x') }, 'wrong_signature'],
    ['says that it is backed up and cannot be', { backupState: true }, 'malformed'],
    [
      'has too little authenticator data',
      { authenticatorData: (good) => good.subarray(0, 36) },
      'malformed',
    ],
    [
      'has too much of it',
      { authenticatorData: (good) => Buffer.concat([good, Buffer.from([0])]) },
      'malformed',
    ],
    ['has client data that is no object', { clientData: '[]' }, 'malformed'],
    ['has client data that is no JSON', { clientData: '{' }, 'malformed'],
    [
      'says its challenge twice',
      {
        clientData: `{"type":"webauthn.get","challenge":"x","challenge":"x","origin":"${publicUrl}"}`,
      },
      'malformed',
    ],
  ]
  for (const [what, wrong, refusal] of cases)
    await t.test(what, async () => assert.equal(await decide(authenticator, wrong), refusal))

  await t.test('has any one bit of its signature changed', async () => {
    const key = createAuthenticator({ origin: publicUrl, algorithm: 'EdDSA' })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 511 }), async (bit) => {
        const flip = (good: Buffer): Buffer => {
          good[bit >> 3] = (good[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          return good
        }
        assert.equal(await decide(key, { signature: flip }), 'wrong_signature')
      }),
      { numRuns: 20 },
    )
  })

  await t.test('is of a passkey that is not the one looked up', async () => {
    const other = createAuthenticator({ origin: publicUrl })
    assert.equal(await decide(authenticator, {}, keyOf(other)), 'another_passkey')
    // The right id, and the other's key.
    const mixed = { ...keyOf(authenticator), publicKey: other.publicKey }
    assert.equal(await decide(authenticator, {}, mixed), 'wrong_signature')
  })

  await t.test('is by the passkey of another operator', async () => {
    const passkey = { ...keyOf(authenticator), operatorId: newId('operator') }
    assert.equal(await decide(authenticator, {}, passkey), 'another_operator')
  })

  await t.test('is by a key of a kind that is not accepted', async () => {
    const passkey = { ...keyOf(authenticator), publicKey: coseKey({ 1: 7, 3: -48 }) }
    assert.equal(await decide(authenticator, {}, passkey), 'unsupported_key')
  })

  await t.test('is spelled in base64url that is not the one spelling', async () => {
    const options = await assertionOptions({
      document,
      decision,
      approverId,
      passkeys: [],
      publicUrl,
      now: 0,
    })
    const good = authenticator.assert(options)
    const passkey = keyOf(authenticator)
    for (const member of ['clientDataJSON', 'authenticatorData', 'signature'] as const) {
      for (const spell of [(text: string) => `${text}=`, (text: string) => `${text}\n`, () => '']) {
        const response = { ...good.response, [member]: spell(good.response[member]) }
        const assertion = { ...good, response }
        const given = { document, decision, approverId, passkey, assertion, publicUrl }
        const result = await verifyAssertion(given)
        assert.deepEqual(result, { ok: false, refusal: 'malformed' })
      }
    }
  })
})

test('the counter', async (t) => {
  await t.test('that goes on is good, and is returned', async () => {
    const authenticator = createAuthenticator({ origin: publicUrl })
    assert.equal(await decide(authenticator, { counter: 8 }, keyOf(authenticator, 7)), 8)
  })
  await t.test('that stays, goes back, or stops counting is a copy’s', async () => {
    const authenticator = createAuthenticator({ origin: publicUrl })
    for (const counter of [7, 6, 1, 0])
      assert.equal(
        await decide(authenticator, { counter }, keyOf(authenticator, 7)),
        'counter_went_back',
      )
  })
  await t.test('of a passkey that never counts stays 0', async () => {
    const synced = createAuthenticator({ origin: publicUrl, counts: false })
    assert.equal(await decide(synced), 0)
    assert.equal(await decide(synced), 0)
  })
  await t.test('of a forged assertion accuses no authenticator', async () => {
    const authenticator = createAuthenticator({ origin: publicUrl })
    const signature = (): Buffer => randomBytes(70)
    assert.equal(
      await decide(authenticator, { counter: 1, signature }, keyOf(authenticator, 7)),
      'wrong_signature',
    )
  })
  await t.test('moves only upwards, or not at all from nothing', () => {
    const count = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(count, count, (before, now) =>
        assert.equal(counterMoved(before, now), now > before || before + now === 0),
      ),
    )
  })
})

test('a registration', async (t) => {
  const challenge = randomBytes(32)
  const operator = { id: approverId, name: 'ada' }
  const options = await registrationOptions({ operator, passkeys: [], challenge, publicUrl })
  const register = async (
    wrong: Misbehaviour = {},
    algorithm: 'ES256' | 'EdDSA' | 'RS256' = 'ES256',
  ) => {
    const authenticator = createAuthenticator({ origin: publicUrl, algorithm })
    const registration = authenticator.register(options, wrong)
    return {
      authenticator,
      result: await verifyRegistration({ registration, challenge, publicUrl }),
    }
  }

  await t.test(
    'is asked for with a verified user, our host, three algorithms and no attestation',
    () => {
      assert.equal(options.challenge, challenge.toString('base64url'))
      assert.equal(options.rp.id, 'broker.acme.example')
      assert.equal(options.authenticatorSelection?.userVerification, 'required')
      assert.deepEqual(
        options.pubKeyCredParams.map(({ alg }) => alg),
        [-8, -7, -257],
      )
      assert.equal(options.attestation, 'none')
      assert.equal(Buffer.from(options.user.id, 'base64url').toString(), approverId)
    },
  )

  await t.test('gives the key, for each algorithm', async () => {
    for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
      const { authenticator, result } = await register({}, algorithm)
      assert.ok(result.ok)
      assert.equal(result.passkey.algorithm, algorithm)
      assert.equal(result.passkey.credentialId, authenticator.credentialId)
      assert.deepEqual(result.passkey.publicKey, authenticator.publicKey)
      assert.deepEqual(result.passkey.transports, ['internal'])
      assert.equal(result.passkey.synced, false)
    }
  })

  const elliptic = { 1: 2, 3: -7, [-1]: 1, [-2]: Buffer.alloc(32, 1), [-3]: Buffer.alloc(32, 2) }
  const edwards = { 1: 1, 3: -8, [-1]: 6, [-2]: Buffer.alloc(32, 1) }
  const rsa = { 1: 3, 3: -257, [-1]: Buffer.alloc(256, 0xff), [-2]: Buffer.from([1, 0, 1]) }
  const cases: readonly (readonly [string, Misbehaviour, RegistrationRefusal])[] = [
    ['of another origin', { origin: 'https://evil.test' }, 'wrong_origin'],
    ['in a frame', { crossOrigin: true }, 'framed'],
    ['for another host', { rpId: 'evil.test' }, 'wrong_relying_party'],
    ['without a verified user', { userVerified: false }, 'user_not_verified'],
    ['without a user', { userPresent: false }, 'user_not_present'],
    [
      'with another challenge',
      { challenge: randomBytes(32).toString('base64url') },
      'wrong_challenge',
    ],
    ['that is an assertion', { type: 'webauthn.get' }, 'wrong_type'],
    ['of ES384', { coseKey: coseKey({ ...elliptic, 3: -35 }) }, 'unsupported_key'],
    [
      'of ES256 on another curve',
      { coseKey: coseKey({ ...elliptic, [-1]: 2 }) },
      'unsupported_key',
    ],
    [
      'of ES256 that is no elliptic key',
      { coseKey: coseKey({ ...elliptic, 1: 1 }) },
      'unsupported_key',
    ],
    [
      'of EdDSA that is no octet key',
      { coseKey: coseKey({ ...edwards, 1: 2 }) },
      'unsupported_key',
    ],
    ['of EdDSA on another curve', { coseKey: coseKey({ ...edwards, [-1]: 7 }) }, 'unsupported_key'],
    ['of RSA that says it is elliptic', { coseKey: coseKey({ ...rsa, 1: 2 }) }, 'unsupported_key'],
    ['of ES256 with the shape of RSA', { coseKey: coseKey({ ...rsa, 3: -7 }) }, 'unsupported_key'],
    [
      'of RSA with 1024 bits',
      { coseKey: coseKey({ ...rsa, [-1]: Buffer.alloc(128, 0xff) }) },
      'unsupported_key',
    ],
    [
      'of RSA with the exponent 1',
      { coseKey: coseKey({ ...rsa, [-2]: Buffer.from([1]) }) },
      'unsupported_key',
    ],
    [
      'with a certificate, whose revocation list we would fetch',
      { attestation: { fmt: 'packed', attStmt: new Map([['x5c', [Buffer.from('certificate')]]]) } },
      'attested',
    ],
    [
      'with a false self attestation',
      {
        attestation: {
          fmt: 'packed',
          attStmt: new Map<string, number | Buffer>([
            ['alg', -7],
            ['sig', Buffer.from('x')],
          ]),
        },
      },
      'wrong_signature',
    ],
    [
      'with an attestation that nobody knows',
      { attestation: { fmt: 'mine', attStmt: new Map() } },
      'attested',
    ],
  ]
  for (const [what, wrong, refusal] of cases)
    await t.test(`${what} is refused`, async () => {
      assert.deepEqual((await register(wrong)).result, { ok: false, refusal })
    })

  await t.test('under another’s credential id is refused', async () => {
    const authenticator = createAuthenticator({ origin: publicUrl })
    const { id } = createAuthenticator({ origin: publicUrl }).register(options)
    const registration = { ...authenticator.register(options), id }
    assert.deepEqual(await verifyRegistration({ registration, challenge, publicUrl }), {
      ok: false,
      refusal: 'another_passkey',
    })
  })

  await t.test('under an id that is too short to be one’s own is refused', async () => {
    for (const [idBytes, good] of [
      [15, false],
      [16, true],
    ] as const) {
      const authenticator = createAuthenticator({ origin: publicUrl, idBytes })
      const registration = authenticator.register(options)
      const result = await verifyRegistration({ registration, challenge, publicUrl })
      assert.equal(result.ok, good)
    }
  })

  await t.test('of noise is refused, and ends nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const good = createAuthenticator({ origin: publicUrl }).register(options)
        const attestationObject = Buffer.from(bytes).toString('base64url')
        const registration = { ...good, response: { ...good.response, attestationObject } }
        const result = await verifyRegistration({ registration, challenge, publicUrl })
        assert.ok(!result.ok)
      }),
      { numRuns: 50 },
    )
  })
})

/** Operators' sign-in where the broker has no secret either: it signs who it is, with a key that the provider knows. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readClientKey } from '../../../src/federation/client-key.ts'
import { openTestBroker } from '../../support/broker.ts'
import { openAgent } from '../../support/identity-sign-in.ts'
import { openTestProvider } from '../../support/identity-provider.ts'

const keys = {
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
}

/** What comes of a sign-in with `key`, where the provider knows `known`. */
async function signInWith(t: TestContext, key: KeyObject, known: KeyObject) {
  const provider = await openTestProvider(t, {
    clientKey: createPublicKey(known).export({ format: 'jwk' }),
  })
  const read = readClientKey(String(key.export({ format: 'pem', type: 'pkcs8' })))
  assert.ok(read.ok)
  const identity = { ...provider.settings, client: { kind: 'key', key: read.key } } as const
  const broker = await openTestBroker(t, { identity })
  provider.people.set('u-1', { groups: ['platform'], name: 'grace' })
  provider.atKeyboard = 'u-1'
  const agent = openAgent(broker)
  const { status, text } = await agent.signIn()
  return { status, text, me: await agent.send('GET', '/v1/me') }
}

for (const [kind, key] of Object.entries(keys))
  test(`with a key of the kind ${kind}`, async (t) => {
    const { status, text, me } = await signInWith(t, key, key)
    assert.equal(status, 200, text)
    assert.equal(me.body['name'], 'grace')
  })

test('a key that the provider does not know lets nobody in', async (t) => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const { status, text, me } = await signInWith(t, other, keys.RSA)
  assert.notEqual(status, 200, text)
  assert.equal(me.status, 401)
})

/** Operators' sign-in where the broker has no secret either: it signs who it is, with a key that the provider knows. */
import { test } from 'node:test'
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
const pemOf = (key: KeyObject) => String(key.export({ format: 'pem', type: 'pkcs8' }))
const registered = (key: KeyObject) => createPublicKey(key).export({ format: 'jwk' })

for (const [kind, key] of Object.entries(keys))
  test(`with a key of the kind ${kind}`, async (t) => {
    const provider = await openTestProvider(t, { clientKey: registered(key) })
    const read = readClientKey(pemOf(key))
    assert.ok(read.ok)
    const identity = { ...provider.settings, client: { kind: 'key', key: read.key } } as const
    const broker = await openTestBroker(t, { identity })
    provider.people.set('u-1', { groups: ['platform'], name: 'grace' })
    provider.atKeyboard = 'u-1'
    const agent = openAgent(broker)
    const landed = await agent.signIn()
    assert.equal(landed.status, 200, landed.text)
    assert.equal((await agent.send('GET', '/v1/me')).body['name'], 'grace')
  })

test('a key that the provider does not know lets nobody in', async (t) => {
  const provider = await openTestProvider(t, { clientKey: registered(keys.RSA) })
  const read = readClientKey(pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey))
  assert.ok(read.ok)
  const identity = { ...provider.settings, client: { kind: 'key', key: read.key } } as const
  const broker = await openTestBroker(t, { identity })
  provider.people.set('u-1', { groups: ['platform'], name: 'grace' })
  provider.atKeyboard = 'u-1'
  const agent = openAgent(broker)
  const landed = await agent.signIn()
  assert.notEqual(landed.status, 200, landed.text)
  assert.equal((await agent.send('GET', '/v1/me')).status, 401)
})

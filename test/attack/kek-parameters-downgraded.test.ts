/**
 * Whoever can write to the database lowers the cost of deriving the key, to guess the passphrase cheaply from then on,
 * or raises it until unsealing exhausts the machine.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kekFromPassphrase, newPassphraseParameters } from '../../src/vault/kek-passphrase.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

test('parameters outside the bounds are refused before anything is derived', async () => {
  for (const changed of [
    { memoryCost: 65_535 },
    { memoryCost: 8 },
    { memoryCost: 1_048_577 },
    { memoryCost: 2 ** 32 },
    { timeCost: 2 },
    { timeCost: 17 },
    { timeCost: 3.5 },
    { parallelism: 0 },
    { parallelism: 9 },
    { parallelism: Number.NaN },
    { memoryCost: '65536' as unknown as number },
    { salt: '' },
    { salt: Buffer.alloc(15).toString('base64url') },
    { salt: Buffer.alloc(65).toString('base64url') },
    { salt: `${Buffer.alloc(16).toString('base64url')}=` },
    { salt: undefined as unknown as string },
    { timeCost: undefined as unknown as number },
  ]) {
    const parameters = { ...newPassphraseParameters(), ...changed }
    const result = await kekFromPassphrase(SecretText.of('correct horse'), parameters)
    assert.equal(!result.ok && result.reason, 'malformed', JSON.stringify(changed))
  }
})

test('new parameters are within the bounds', async () => {
  const result = await kekFromPassphrase(SecretText.of('correct horse'), newPassphraseParameters())
  assert.equal(result.ok, true)
})

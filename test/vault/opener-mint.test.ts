import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CredentialId } from '../../src/ids.ts'
import { createCredentialOpener } from '../../src/vault/opener.ts'
import { readCredential } from '../../src/vault/store.ts'
import { adminPassword } from '../support/broker.ts'
import { openMintedStage } from '../support/minted-stage.ts'

test('what mints is opened for minting alone, and what goes out itself for nothing else', async (t) => {
  const { broker, granted } = await openMintedStage(t)
  const { db, vault } = broker.broker
  const plain = await broker.api<{ id: string }>('POST', '/v1/credentials', {
    name: 'plain',
    provider: 'github',
    environment: granted.environmentId,
    secret: 'ghp_plain0000000000000000000000000000',
    password: adminPassword,
  })
  const opener = createCredentialOpener(db, vault)
  const minting = await readCredential(db, granted.credentialId as CredentialId)
  const other = await readCredential(db, plain.id as CredentialId)
  assert.ok(minting && other)
  assert.equal(await opener.open(minting), undefined)
  assert.match((await opener.openToMint(minting))?.reveal() ?? '', /refresh_token/)
  assert.equal(await opener.openToMint(other), undefined)
  assert.match((await opener.open(other))?.reveal() ?? '', /^ghp_/)
  opener.clear()
})

/** Under another key-encryption key, what mints is still bound to its parameters, and every version to its own. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CredentialMint } from '../../src/core/mint.ts'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { readKekFile } from '../../src/vault/kek-file.ts'
import { readCredential, openCredential, readSealedVersion } from '../../src/vault/store.ts'
import { createVault } from '../../src/vault/vault.ts'
import type { CredentialId } from '../../src/ids.ts'
import { openDatabase } from '../../src/db/open.ts'
import { createTestDatabase } from '../support/cluster.ts'
import { configFor, privateDirectory, recordingDesk, writeKekFile } from '../support/keeper.ts'
import {
  clientSecret,
  mintParameters,
  openMintedStage,
  replaceSecret,
} from '../support/minted-stage.ts'

test('what mints opens under the new key with its own parameters, and what was minted is minted anew', async (t) => {
  const made = await createTestDatabase()
  t.after(made.drop)
  const key = randomBytes(32)
  const stage = await openMintedStage(t, {
    key,
    database: { connection: made.connection, drop: () => Promise.resolve() },
  })
  const refresh_token = stage.service.issued.at(-1)?.refreshToken
  const fewer = { ...mintParameters, scopes: ['repo:read'] }
  // Two versions, with other parameters each.
  await replaceSecret(stage, {
    secret: JSON.stringify({ refresh_token, client_secret: clientSecret }),
    mint: fewer,
  })
  const latest = stage.service.issued.at(-1)?.refreshToken
  await stage.broker.close()

  const kek = join(await privateDirectory(t), 'kek')
  await writeKekFile(kek, key)
  await rewrapCommand(configFor(made.connection, { VALETKEY_KEK_FILE: kek }), [], recordingDesk())

  const db = openDatabase(made.connection, 1)
  t.after(() => db.destroy())
  assert.deepEqual(await db.selectFrom('credential_minted').selectAll().execute(), [])
  const id = stage.granted.credentialId as CredentialId
  const credential = await readCredential(db, id)
  assert.ok(credential)
  const opened = await readKekFile(kek)
  assert.ok(opened.ok)
  const vault = createVault()
  vault.unlock(opened.kek, 'file')
  const open = async (version: number, mint: typeof credential.mint) => {
    const stored = await readSealedVersion(db, id, version)
    assert.ok(stored)
    const { mint: _, ...rest } = credential
    const key = { ...rest, version, ...(mint === undefined ? {} : { mint }) }
    return (await openCredential(vault, key, stored))?.reveal()
  }
  assert.match((await open(2, credential.mint)) ?? '', new RegExp(latest ?? 'none'))
  const former = JSON.parse(JSON.stringify(mintParameters)) as CredentialMint
  assert.equal(await open(2, former), undefined)
  assert.equal(await open(2, undefined), undefined)
  assert.match((await open(1, former)) ?? '', /refresh_token/)
  vault.lock()
})

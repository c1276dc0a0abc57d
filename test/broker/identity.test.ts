import { test } from 'node:test'
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { identitySettings } from '../../src/broker/identity.ts'
import { readConfig } from '../../src/config.ts'

const good = {
  VALETKEY_OIDC_ISSUER: 'https://id.example.com/realms/acme',
  VALETKEY_OIDC_CLIENT_ID: 'valetkey',
  VALETKEY_OIDC_GROUPS: '{"platform":["admin"]}',
}

test('the client’s secret comes out of its file, and a file that holds none is named', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'valetkey-oidc-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'secret')
  const settings = () => {
    const { oidc } = readConfig({ ...good, VALETKEY_OIDC_CLIENT_SECRET_FILE: file })
    return identitySettings(oidc)
  }
  await assert.rejects(settings(), /VALETKEY_OIDC_CLIENT_SECRET_FILE=.*ENOENT/)
  for (const wrong of ['', '\n', 'two\nlines', 'é']) {
    writeFileSync(file, wrong)
    await assert.rejects(settings(), /holds no client secret/)
  }
  writeFileSync(file, 's3cret +/=\n')
  assert.deepEqual((await settings())?.client, { kind: 'secret', secret: 's3cret +/=' })
  assert.equal(await identitySettings(undefined), undefined)
  const { client } = (await identitySettings(readConfig({ ...good }).oidc)) ?? {}
  assert.deepEqual(client, { kind: 'public' })
})

test('so does its key, and a file that holds none is named and not quoted', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'valetkey-oidc-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'key.pem')
  const settings = () => {
    const { oidc } = readConfig({ ...good, VALETKEY_OIDC_CLIENT_KEY_FILE: file })
    return identitySettings(oidc)
  }
  await assert.rejects(settings(), /VALETKEY_OIDC_CLIENT_KEY_FILE=.*ENOENT/)
  writeFileSync(file, 's3cret')
  await assert.rejects(settings(), (error: Error) => {
    assert.match(error.message, /VALETKEY_OIDC_CLIENT_KEY_FILE=.*cannot be used: it is not one/)
    return !error.message.includes('s3cret')
  })
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const client = (await settings())?.client
  assert.ok(client?.kind === 'key')
  assert.equal((await client.key.toSignWith(undefined)).algorithm.name, 'ECDSA')
})

import { test } from 'node:test'
import assert from 'node:assert/strict'
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
  assert.equal((await settings())?.clientSecret, 's3cret +/=')
  assert.equal(await identitySettings(undefined), undefined)
  assert.equal((await identitySettings(readConfig({ ...good }).oidc))?.clientSecret, undefined)
})

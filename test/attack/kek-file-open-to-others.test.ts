/** The key file is readable by another user, or was put there by one: what it holds must be taken for known to them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createKekFile, readKekFile } from '../../src/vault/kek-file.ts'

async function keyFile(t: TestContext): Promise<string> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'vk-attack-'))
  t.after(() => fs.rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'kek')
  assert.equal((await createKekFile(path)).ok, true)
  return path
}

async function reason(path: string): Promise<string | false> {
  const result = await readKekFile(path)
  return !result.ok && result.reason
}

test('a key file that group or others may read, write or run is refused', async (t) => {
  const path = await keyFile(t)
  for (const mode of [0o640, 0o604, 0o660, 0o602, 0o610, 0o601, 0o777]) {
    await fs.chmod(path, mode)
    assert.equal(await reason(path), 'permissions', mode.toString(8))
  }
  await fs.chmod(path, 0o400)
  assert.equal(await reason(path), false)
})

test(
  'a key file of another user is refused',
  { skip: process.geteuid?.() === 0 ? false : 'only root gives files away' },
  async (t) => {
    const path = await keyFile(t)
    await fs.chown(path, 65534, 65534)
    assert.equal(await reason(path), 'permissions')
  },
)

test('a link to a file that is open to others is refused for what it leads to', async (t) => {
  const path = await keyFile(t)
  await fs.chmod(path, 0o644)
  await fs.symlink(path, `${path}.link`)
  assert.equal(await reason(`${path}.link`), 'permissions')
})

test('a link in the place of a new key file is not written through', async (t) => {
  const path = await keyFile(t)
  const target = `${path}.elsewhere`
  await fs.rm(path)
  await fs.symlink(target, path)
  assert.deepEqual(await createKekFile(path), { ok: false, reason: 'exists' })
  await assert.rejects(fs.stat(target), { code: 'ENOENT' })
})

test('what is no file, is far too large or is half a key is refused, and nothing hangs', async (t) => {
  const path = await keyFile(t)
  const text = await fs.readFile(path, 'utf8')
  await fs.truncate(path, 30)
  assert.equal(await reason(path), 'malformed')
  await fs.writeFile(path, text + ' '.repeat(5000))
  assert.equal(await reason(path), 'malformed')
  await fs.rm(path)
  await fs.mkdir(path, { mode: 0o700 })
  assert.equal(await reason(path), 'malformed')
  await fs.rmdir(path)
  execFileSync('mkfifo', ['-m', '600', path])
  assert.equal(await reason(path), 'malformed')
})

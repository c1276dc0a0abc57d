import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { dataDirVersion, defaultDataDir, openDataDir } from '../../src/db/data-dir.ts'
import { onlyRoot, openTestDataDir, temporary } from './cluster-fixture.ts'

async function refusal(path: string) {
  const opened = await openDataDir(path)
  if (!opened.ok) return opened
  opened.dataDir.release()
  return assert.fail('the data directory was opened')
}

/** A broker's process, as far as the lock is concerned. */
async function holdInAnotherProcess(t: TestContext, path: string) {
  const script = `
    const { openDataDir } = await import(${JSON.stringify(new URL('../../src/db/data-dir.ts', import.meta.url).href)})
    const opened = await openDataDir(process.argv[1])
    console.log(opened.ok ? 'held' : opened.reason)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const [text] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return { child, said: text.trim() }
}

test('by default the data directory is in the XDG state directory, and root’s below /var/lib', () => {
  const home = '/home/ada'
  assert.equal(defaultDataDir({ root: false, home }), '/home/ada/.local/state/valetkey')
  assert.equal(defaultDataDir({ root: false, home, xdgStateHome: '/state' }), '/state/valetkey')
  assert.equal(
    defaultDataDir({ root: false, home, xdgStateHome: 'relative' }),
    '/home/ada/.local/state/valetkey',
  )
  assert.equal(
    defaultDataDir({ root: true, home: '/root', xdgStateHome: '/root/state' }),
    '/var/lib/valetkey',
  )
})

test('a new data directory is private, whatever the umask, and has a version', async (t) => {
  const before = process.umask(0)
  t.after(() => process.umask(before))
  const dataDir = await openTestDataDir(t, join(await temporary(t), 'a', 'b'))
  assert.equal((await fs.stat(dataDir.path)).mode & 0o777, 0o700)
  assert.equal(await fs.readFile(join(dataDir.path, 'VERSION'), 'utf8'), `${dataDirVersion}\n`)
  for (const name of await fs.readdir(dataDir.path)) {
    assert.equal((await fs.stat(join(dataDir.path, name))).mode & 0o077, 0, name)
  }
})

test('a data directory that others may enter or read is refused, and left as it was', async (t) => {
  const path = join(await temporary(t), 'data')
  await fs.mkdir(path)
  for (const mode of [0o755, 0o750, 0o704, 0o701, 0o770, 0o720]) {
    await fs.chmod(path, mode)
    const refused = await refusal(path)
    assert.equal(refused.reason, 'permissions', mode.toString(8))
    assert.match(refused.detail, /chmod 700/)
    assert.equal((await fs.stat(path)).mode & 0o777, mode)
    assert.deepEqual(await fs.readdir(path), [])
  }
})

test('a data directory of another user is refused', { skip: onlyRoot }, async (t) => {
  const path = join(await temporary(t), 'data')
  await fs.mkdir(path, { mode: 0o700 })
  await fs.chown(path, 65534, 65534)
  const refused = await refusal(path)
  assert.equal(refused.reason, 'permissions')
  assert.match(refused.detail, /belongs to user 65534/)
})

test('a data directory below one that everybody may write to is refused, because it could be swapped', async (t) => {
  const base = await temporary(t)
  await fs.chmod(base, 0o777)
  assert.equal((await refusal(join(base, 'data'))).reason, 'permissions')
  await fs.chmod(base, 0o1777)
  const opened = await openDataDir(join(base, 'data'))
  assert.equal(opened.ok, true)
  if (opened.ok) opened.dataDir.release()
})

test('a relative path, a file and a directory with other files in it are refused', async (t) => {
  const base = await temporary(t, 0o700)
  assert.equal((await refusal('data')).reason, 'path_invalid')
  await fs.writeFile(join(base, 'letter.txt'), '')
  const foreign = await refusal(base)
  assert.equal(foreign.reason, 'foreign')
  assert.deepEqual(await fs.readdir(base), ['letter.txt'])
  assert.equal((await refusal(join(base, 'letter.txt'))).reason, 'path_invalid')
  assert.equal((await refusal(join(base, 'letter.txt', 'data'))).reason, 'path_invalid')
})

test('a first start that was interrupted before the version was written is taken up again', async (t) => {
  const path = join(await temporary(t), 'data')
  await fs.mkdir(path, { mode: 0o700 })
  for (const name of ['lock', 'lock.holder', 'VERSION.123'])
    await fs.writeFile(join(path, name), '')
  await openTestDataDir(t, path)
})

test('a newer format is refused with both versions named, an unreadable one as unreadable', async (t) => {
  const dataDir = await openTestDataDir(t)
  dataDir.release()
  const file = join(dataDir.path, 'VERSION')
  await fs.writeFile(file, `${dataDirVersion + 1}\n`)
  const newer = await refusal(dataDir.path)
  assert.equal(newer.reason, 'version_newer')
  assert.match(newer.detail, new RegExp(`format ${dataDirVersion + 1};.*up to ${dataDirVersion}`))
  for (const text of ['', '0', '1x', '-1', '1\n2\n', '١']) {
    await fs.writeFile(file, text)
    assert.equal((await refusal(dataDir.path)).reason, 'version_unreadable', JSON.stringify(text))
  }
  // A refusal holds no lock.
  await fs.writeFile(file, `${dataDirVersion}\n`)
  await openTestDataDir(t, dataDir.path)
})

test('a second broker on the same data directory is refused and told the process that has it', async (t) => {
  const dataDir = await openTestDataDir(t)
  const inProcess = await refusal(dataDir.path)
  assert.equal(inProcess.reason, 'in_use')
  assert.match(inProcess.detail, new RegExp(`pid ${process.pid}\\b`))
  assert.equal((await holdInAnotherProcess(t, dataDir.path)).said, 'in_use')
  dataDir.release()
  dataDir.release()
  const other = await holdInAnotherProcess(t, dataDir.path)
  assert.equal(other.said, 'held')
  const refused = await refusal(dataDir.path)
  assert.equal(refused.reason, 'in_use')
  assert.match(refused.detail, new RegExp(`pid ${other.child.pid}\\b`))
})

test('a second broker that reaches the data directory by a link is refused too', async (t) => {
  const dataDir = await openTestDataDir(t)
  const link = join(await temporary(t), 'link')
  await fs.symlink(dataDir.path, link)
  assert.equal((await refusal(link)).reason, 'in_use')
})

test('the lock of a killed broker is free, although its process id may be alive again', async (t) => {
  const path = join(await temporary(t), 'data')
  const { child, said } = await holdInAnotherProcess(t, path)
  assert.equal(said, 'held')
  child.kill('SIGKILL')
  await once(child, 'exit')
  // As after a restart of the machine, when the id belongs to another process.
  await fs.writeFile(join(path, 'lock.holder'), `${process.ppid}\n`)
  await openTestDataDir(t, path)
})

test('of several brokers that start at once on a free data directory, one gets it', async (t) => {
  const path = join(await temporary(t), 'data')
  await openTestDataDir(t, path).then((dataDir) => dataDir.release())
  const all = await Promise.all(Array.from({ length: 4 }, () => holdInAnotherProcess(t, path)))
  assert.deepEqual(all.map(({ said }) => said).sort(), ['held', 'in_use', 'in_use', 'in_use'])
})

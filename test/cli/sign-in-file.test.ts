import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { configHome, deleteSignIn, readSignIn, saveSignIn } from '../../src/cli/sign-in-file.ts'
import { cli } from './world.ts'

const url = 'http://localhost:8474'
const signIn = { url, name: 'admin', token: 'aaa.bbb.ccc', expiresAt: 2_000 }
const windows = process.platform === 'win32' ? 'Windows keeps no permission bits' : false

function home(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'valetkey-cli-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return path.join(directory, 'valetkey')
}

test('a sign-in is stored for its owner alone, and read back', { skip: windows }, async (t) => {
  const directory = home(t)
  await saveSignIn(directory, signIn)
  assert.equal(statSync(directory).mode & 0o777, 0o700)
  assert.equal(statSync(path.join(directory, 'sign-in.json')).mode & 0o777, 0o600)
  assert.deepEqual(await readSignIn(directory, url, 1_000), { kind: 'found', signIn })
})

test(
  'a stored file that was open to others is closed when it is written anew',
  { skip: windows },
  async (t) => {
    const directory = home(t)
    mkdirSync(directory, { mode: 0o700 })
    const file = path.join(directory, 'sign-in.json')
    writeFileSync(file, '', { mode: 0o666 })
    chmodSync(file, 0o666)
    await saveSignIn(directory, signIn)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  },
)

for (const mode of [0o640, 0o604, 0o620, 0o666]) {
  test(`a sign-in file of mode ${mode.toString(8)} is refused`, { skip: windows }, async (t) => {
    const directory = home(t)
    await saveSignIn(directory, signIn)
    chmodSync(path.join(directory, 'sign-in.json'), mode)
    await assert.rejects(readSignIn(directory, url, 1_000), /is not used: others may open it/)
  })
}

test(
  'a directory that others may enter is refused, for reading and for writing',
  { skip: windows },
  async (t) => {
    const directory = home(t)
    await saveSignIn(directory, signIn)
    chmodSync(directory, 0o755)
    await assert.rejects(readSignIn(directory, url, 1_000), /is not used/)
    await assert.rejects(saveSignIn(directory, signIn), /is not used/)
  },
)

test('a symbolic link in place of the file is not followed', { skip: windows }, async (t) => {
  const directory = home(t)
  await saveSignIn(directory, signIn)
  const file = path.join(directory, 'sign-in.json')
  renameSync(file, `${file}.real`)
  symlinkSync(`${file}.real`, file)
  await assert.rejects(readSignIn(directory, url, 1_000), /symbolic link/)
})

test('a sign-in that has ended, or one for another broker, is not handed out', async (t) => {
  const directory = home(t)
  await saveSignIn(directory, signIn)
  assert.equal((await readSignIn(directory, url, 2_000)).kind, 'expired')
  assert.equal((await readSignIn(directory, 'https://evil.example', 1_000)).kind, 'other_broker')
})

test('what cannot be read, or could break a header, is none', async (t) => {
  const directory = home(t)
  await saveSignIn(directory, signIn)
  const file = path.join(directory, 'sign-in.json')
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    JSON.stringify({ ...signIn, token: 'a\r\nx: y' }),
    JSON.stringify({ ...signIn, expiresAt: '9' }),
  ]) {
    writeFileSync(file, text)
    assert.deepEqual(await readSignIn(directory, url, 1_000), { kind: 'none' })
  }
})

test('logging out deletes the file, also where the broker cannot be told', async (t) => {
  const directory = home(t)
  await saveSignIn(directory, { ...signIn, expiresAt: Date.now() + 60_000 })
  const world = {
    env: { VALETKEY_CONFIG_HOME: directory },
    fetch: () => Promise.reject(new TypeError('fetch failed')),
  }
  const { code, out } = await cli(['logout'], world)
  assert.equal(code, 0)
  assert.match(out.join(''), /deleted/)
  assert.equal(await deleteSignIn(directory), false)
})

test('a command whose sign-in has ended says so, and how to sign in again', async (t) => {
  const directory = home(t)
  await saveSignIn(directory, signIn)
  const { code, err } = await cli(['agent', 'list'], { env: { VALETKEY_CONFIG_HOME: directory } })
  assert.equal(code, 1)
  assert.match(err.join('\n'), /has ended.*\n.*valetkey login --name admin/)
})

test('a stored sign-in is not sent to another broker that VALETKEY_URL names', async (t) => {
  const directory = home(t)
  await saveSignIn(directory, { ...signIn, expiresAt: Date.now() + 60_000 })
  const env = { VALETKEY_CONFIG_HOME: directory, VALETKEY_URL: 'https://evil.example' }
  const { code, err } = await cli(['agent', 'list'], { env })
  assert.equal(code, 1)
  assert.match(err.join('\n'), /is not sent to https:\/\/evil\.example/)
})

test('the file lies where the variables say, and nowhere relative', () => {
  assert.equal(configHome({ VALETKEY_CONFIG_HOME: '/a', XDG_CONFIG_HOME: '/b', HOME: '/c' }), '/a')
  assert.equal(configHome({ XDG_CONFIG_HOME: '/b', HOME: '/c' }), path.join('/b', 'valetkey'))
  assert.equal(
    configHome({ XDG_CONFIG_HOME: 'b', HOME: '/c' }),
    path.join('/c', '.config', 'valetkey'),
  )
  assert.throws(() => configHome({}), /VALETKEY_CONFIG_HOME/)
})

test(
  'a password file that others may read is refused, and a line end at its end is none of the password',
  { skip: windows },
  async (t) => {
    const directory = home(t)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const file = path.join(directory, 'pw')
    writeFileSync(file, 'correct horse \n', { mode: 0o600 })
    const bodies: unknown[] = []
    const world = {
      env: { VALETKEY_CONFIG_HOME: directory, VALETKEY_PASSWORD_FILE: file },
      fetch: (_url: unknown, init?: RequestInit) => {
        if (typeof init?.body === 'string') bodies.push(JSON.parse(init.body))
        return Promise.resolve(Response.json({ token: 'a.b.c', expires_in: 900 }))
      },
    }
    assert.equal((await cli(['login', '--name', 'admin'], world)).code, 0)
    assert.deepEqual(bodies, [{ name: 'admin', password: 'correct horse ' }])
    assert.match(readFileSync(path.join(directory, 'sign-in.json'), 'utf8'), /a\.b\.c/)
    chmodSync(file, 0o644)
    const { code, err } = await cli(['login', '--name', 'admin'], world)
    assert.equal(code, 2)
    assert.match(err.join('\n'), /not used: others may open it.*\n.*chmod 600/)
    assert.equal(bodies.length, 1)
  },
)

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { nativeDirectory } from '../../src/db/cluster-binaries.ts'
import { findServerUser } from '../../src/db/cluster-owner.ts'
import { startCluster } from '../../src/db/cluster.ts'
import {
  onlyProc,
  onlyRoot,
  openTestDataDir,
  query,
  recordingLog,
  root,
  running,
  startTestCluster,
  temporary,
} from './cluster-fixture.ts'

test('a cluster starts from nothing at an odd path, keeps what was committed, and starts again', async (t) => {
  const dataDir = await openTestDataDir(t, join(await temporary(t), `a, "b" 'c' $d`))
  // What a first start leaves that was killed.
  const half = join(dataDir.path, 'pg-init-0123456789abcdef')
  await fs.mkdir(half, { mode: 0o700 })
  if (root) {
    const owner = await findServerUser(dataDir, recordingLog())
    assert.ok(owner.ok)
    await fs.chown(half, owner.user.uid, owner.user.gid)
  }
  const first = await startTestCluster(t, dataDir)
  await query(first, 'CREATE TABLE kept (word text)')
  await query(first, 'INSERT INTO kept VALUES ($1)', ['valet'])
  await first.stop()
  await first.stop()
  assert.deepEqual(await first.exited, { code: 0, signal: null, expected: true })
  const second = await startTestCluster(t, dataDir)
  assert.deepEqual(second.connection, first.connection)
  assert.deepEqual(await query(second, 'SELECT word FROM kept'), [['valet']])
  assert.deepEqual(
    (await fs.readdir(dataDir.path)).filter((name) => name.startsWith('pg-init')),
    [],
  )
})

test('one cluster, started again and again', async (t) => {
  const dataDir = await openTestDataDir(t)
  await t.test(
    'the cluster is durable, in UTF-8 and the C locale, with checksums, and the broker is no superuser in it',
    async (t) => {
      const cluster = await startTestCluster(t, dataDir)
      const settings = {
        fsync: 'on',
        synchronous_commit: 'on',
        full_page_writes: 'on',
        data_checksums: 'on',
        server_encoding: 'UTF8',
        listen_addresses: '',
        is_superuser: 'off',
        max_wal_senders: '0',
        log_min_messages: 'log',
        log_parameter_max_length: '0',
        log_parameter_max_length_on_error: '0',
      }
      for (const [name, value] of Object.entries(settings)) {
        assert.deepEqual(await query(cluster, `SHOW ${name}`), [[value]], name)
      }
      assert.deepEqual(
        await query(
          cluster,
          'SELECT datcollate FROM pg_database WHERE datname = current_database()',
        ),
        [['C']],
      )
      await assert.rejects(query(cluster, `COPY (SELECT 1) TO PROGRAM 'true'`), /permission denied/)
    },
  )

  await t.test('a file in the cluster that says otherwise changes no setting', async (t) => {
    await (await startTestCluster(t, dataDir)).stop()
    for (const name of ['postgresql.conf', 'postgresql.auto.conf']) {
      await fs.appendFile(
        join(dataDir.pg, name),
        `fsync = off\nlisten_addresses = '*'\nlog_statement = 'all'\n`,
      )
    }
    const cluster = await startTestCluster(t, dataDir)
    assert.deepEqual(await query(cluster, 'SHOW fsync'), [['on']])
    assert.deepEqual(await query(cluster, 'SHOW listen_addresses'), [['']])
  })

  await t.test(
    'a postmaster killed with its children running is recovered from',
    { skip: onlyProc },
    async (t) => {
      const first = await startTestCluster(t, dataDir)
      await query(first, 'CREATE TABLE survivor AS SELECT 1 AS n')
      process.kill(first.pid, 'SIGKILL')
      assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL', expected: false })
      const second = await startTestCluster(t, dataDir)
      assert.deepEqual(await query(second, 'SELECT n FROM survivor'), [[1]])
    },
  )

  await t.test(
    'a stale postmaster.pid whose id was given to another process stops neither the start nor that process',
    async (t) => {
      const first = await startTestCluster(t, dataDir)
      const pidFile = join(dataDir.pg, 'postmaster.pid')
      const socketLock = join(dataDir.run, '.s.PGSQL.5432.lock')
      const [text, lockText] = await Promise.all([
        fs.readFile(pidFile, 'utf8'),
        fs.readFile(socketLock, 'utf8'),
      ])
      const { uid, gid } = await fs.stat(dataDir.pg)
      await first.stop()
      // Of the same user, because PostgreSQL takes a process of another for none of its own.
      const stranger = spawn('sleep', ['600'], {
        cwd: '/',
        stdio: 'ignore',
        ...(root ? { uid, gid } : {}),
      })
      t.after(() => stranger.kill('SIGKILL'))
      await once(stranger, 'spawn')
      for (const [file, old] of [
        [pidFile, text],
        [socketLock, lockText],
      ] as const) {
        await fs.writeFile(file, old.replace(/^[0-9]+/, String(stranger.pid)), { mode: 0o600 })
        await fs.chown(file, uid, gid)
      }
      await startTestCluster(t, dataDir)
      assert.equal(stranger.exitCode ?? stranger.signalCode, null)
    },
  )

  await t.test(
    'root’s server runs as another user, who reaches its own folders and not the key',
    { skip: onlyRoot },
    async (t) => {
      await fs.writeFile(dataDir.kekFile, 'key', { mode: 0o600 })
      const cluster = await startTestCluster(t, dataDir)
      const { uid, gid } = await fs.stat(`/proc/${cluster.pid}`)
      assert.notEqual(uid, 0)
      const { mode, uid: owner, gid: group } = await fs.stat(dataDir.path)
      assert.deepEqual([mode & 0o777, owner, group], [0o710, 0, gid])
      const as = (command: string) => {
        try {
          execFileSync('/bin/sh', ['-c', command], { uid, gid, cwd: '/', stdio: 'ignore' })
          return true
        } catch {
          return false
        }
      }
      assert.equal(as(`ls ${dataDir.run}`), true)
      assert.equal(as(`cat ${dataDir.conf}/pg_hba.conf`), true)
      assert.equal(as(`ls ${dataDir.path}`), false)
      assert.equal(as(`cat ${dataDir.kekFile}`), false)
      assert.equal(as(`cat ${dataDir.path}/lock`), false)
      assert.equal(as(`cat ${dataDir.log}/postgres.log`), false)
      assert.equal(as(`touch ${dataDir.conf}/x`), false)
      assert.equal(as(`sh -c 'echo >> ${dataDir.conf}/pg_hba.conf'`), false)
      // The broker, on its next start, takes the directory as it left it.
      await cluster.stop()
      dataDir.release()
      const again = await openTestDataDir(t, dataDir.path)
      again.release()
    },
  )

  await t.test(
    'binaries that the server’s user cannot reach are copied once, and a damaged copy is made anew',
    { skip: onlyRoot },
    async (t) => {
      const source = nativeDirectory()
      assert.ok(source !== undefined)
      const home = await temporary(t, 0o700)
      const native = join(home, 'native')
      execFileSync('cp', ['-a', source, native])
      const log = recordingLog()
      const first = await startTestCluster(t, dataDir, { native, log })
      assert.match(log.lines.join('\n'), /copying/)
      const program = await fs.readlink(`/proc/${first.pid}/exe`)
      assert.ok(program.startsWith(`${dataDir.pgBin}/`), program)
      assert.equal((await fs.stat(program)).uid, 0)
      assert.deepEqual(await query(first, 'SELECT 1'), [[1]])
      await first.stop()

      const again = recordingLog()
      await (await startTestCluster(t, dataDir, { native, log: again })).stop()
      assert.doesNotMatch(again.lines.join('\n'), /copying/)

      await fs.truncate(program, 1000)
      const repaired = recordingLog()
      await (await startTestCluster(t, dataDir, { native, log: repaired })).stop()
      assert.match(repaired.lines.join('\n'), /copying/)
      assert.equal((await fs.readdir(dataDir.pgBin)).length, 1)
    },
  )

  await t.test(
    'a cluster of another major version is refused before a server touches it',
    async (t) => {
      await (await startTestCluster(t, dataDir)).stop()
      const versionFile = join(dataDir.pg, 'PG_VERSION')
      const version = await fs.readFile(versionFile)
      await fs.writeFile(versionFile, '12\n')
      t.after(() => fs.writeFile(versionFile, version))
      const started = await startCluster({ dataDir, log: recordingLog() })
      assert.equal(started.ok, false)
      assert.equal(!started.ok && started.reason, 'version_mismatch')
      assert.match(started.ok ? '' : started.detail, /PostgreSQL 12/)
    },
  )

  await t.test('a server that cannot start is a refusal that quotes why', async (t) => {
    await (await startTestCluster(t, dataDir)).stop()
    await fs.rm(join(dataDir.pg, 'global', 'pg_control'))
    const started = await startCluster({ dataDir, log: recordingLog() })
    assert.equal(!started.ok && started.reason, 'start_failed')
    assert.match(started.ok ? '' : started.detail, /pg_control/)
  })
})

test(
  'a server that outlived its killed broker is found and replaced, and nothing committed is lost',
  { skip: onlyProc },
  async (t) => {
    const path = join(await temporary(t), 'data')
    const script = `
    const { openDataDir } = await import(${JSON.stringify(new URL('../../src/db/data-dir.ts', import.meta.url).href)})
    const { startCluster } = await import(${JSON.stringify(new URL('../../src/db/cluster.ts', import.meta.url).href)})
    const { dataDir } = await openDataDir(process.argv[1])
    const { cluster } = await startCluster({ dataDir, log: { info() {}, warn() {}, error() {} } })
    console.log(cluster.pid)`
    const broker = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [text] = (await once(broker.stdout.setEncoding('utf8'), 'data')) as [string]
    const left = Number(text)
    t.after(async () => (await running(left)) && process.kill(left, 'SIGKILL'))
    const connection = {
      kind: 'socket',
      directory: join(path, 'run'),
      port: 5432,
      user: 'valetkey',
      database: 'valetkey',
    } as const
    await query({ connection }, 'CREATE TABLE kept AS SELECT 1 AS n')
    broker.kill('SIGKILL')
    await once(broker, 'exit')
    assert.equal(await running(left), true)

    const log = recordingLog()
    const cluster = await startTestCluster(t, await openTestDataDir(t, path), { log })
    assert.equal(await running(left), false)
    assert.notEqual(cluster.pid, left)
    assert.match(log.lines.join('\n'), new RegExp(`left behind.*\\b${left}\\b`))
    assert.deepEqual(await query(cluster, 'SELECT n FROM kept'), [[1]])
  },
)

test('a path too long for a socket moves the socket to a short private directory, which is found again', async (t) => {
  const long = join(await temporary(t), 'x'.repeat(60), 'y'.repeat(60))
  const dataDir = await openTestDataDir(t, long)
  const first = await startTestCluster(t, dataDir)
  const { directory } = first.connection
  t.after(() => fs.rm(directory, { recursive: true, force: true }))
  assert.ok(Buffer.byteLength(directory) < 60)
  const stat = await fs.stat(directory)
  assert.equal(stat.mode & 0o777, 0o700)
  assert.equal(stat.uid, (await fs.stat(dataDir.pg)).uid)
  await first.stop()
  const second = await startTestCluster(t, dataDir)
  assert.equal(second.connection.directory, directory)
  await second.stop()
  // Somebody else's directory of that name, as after /tmp was emptied, is not used.
  await fs.chmod(directory, 0o755)
  const third = await startTestCluster(t, dataDir)
  t.after(() => fs.rm(third.connection.directory, { recursive: true, force: true }))
  assert.notEqual(third.connection.directory, directory)
})

test(
  'root’s data directory below a private one is refused, and the refusal names it',
  { skip: onlyRoot },
  async (t) => {
    const home = await temporary(t, 0o700)
    const dataDir = await openTestDataDir(t, join(home, 'a', 'data'))
    const started = await startCluster({ dataDir, log: recordingLog() })
    assert.equal(!started.ok && started.reason, 'unreachable_directory')
    assert.ok(
      !started.ok && started.detail.includes(`pass through ${home} to`),
      started.ok ? '' : started.detail,
    )
  },
)

test(
  'root without a user for the server makes one, says so, and refuses where it cannot',
  { skip: onlyRoot },
  async (t) => {
    const dataDir = await openTestDataDir(t)
    const asked: string[][] = []
    const log = recordingLog()
    const refused = await findServerUser(dataDir, log, async (file, args) => {
      asked.push([file, ...args])
      return { status: 1, stdout: '', stderr: `${file}: no` }
    })
    assert.equal(!refused.ok && refused.reason, 'no_server_user')
    assert.match(log.lines.join('\n'), /making the system user "valetkey"/)
    assert.equal(asked.at(-1)?.[0], 'useradd')
    assert.equal(asked.at(-1)?.at(-1), 'valetkey')
    // One that is root under another name does not count.
    const disguised = await findServerUser(dataDir, recordingLog(), async (file) =>
      file === 'id'
        ? { status: 0, stdout: '0\n', stderr: '' }
        : { status: 1, stdout: '', stderr: '' },
    )
    assert.equal(disguised.ok, false)
  },
)

test('an ordinary user’s server runs as that user', { skip: onlyRoot }, async (t) => {
  const base = await temporary(t)
  const uid = 65534
  await fs.chown(base, uid, uid)
  const script = `
    const { openDataDir } = await import(${JSON.stringify(new URL('../../src/db/data-dir.ts', import.meta.url).href)})
    const { startCluster } = await import(${JSON.stringify(new URL('../../src/db/cluster.ts', import.meta.url).href)})
    const { dataDir } = await openDataDir(process.argv[1])
    const started = await startCluster({ dataDir, log: { info() {}, warn() {}, error() {} } })
    if (!started.ok) throw new Error(started.detail)
    const { statSync } = await import('node:fs')
    console.log(JSON.stringify([dataDir.path, 'pg', 'run'].map((name) => {
      const { uid, mode } = statSync(name.startsWith('/') ? name : dataDir.path + '/' + name)
      return [uid, mode & 0o777]
    })))
    await started.cluster.stop()
    dataDir.release()`
  const reachable = spawn(process.execPath, ['--version'], {
    uid,
    gid: uid,
    cwd: '/',
    stdio: 'ignore',
  })
  const outcome = await Promise.race([
    once(reachable, 'exit').then(([code]) => code === 0),
    once(reachable, 'error').then(() => false),
  ])
  if (!outcome) return t.skip('another user cannot reach this checkout')
  const printed = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', script, join(base, 'data')],
    {
      uid,
      gid: uid,
      cwd: '/',
      env: {},
      encoding: 'utf8',
    },
  )
  assert.deepEqual(JSON.parse(printed), [
    [uid, 0o700],
    [uid, 0o700],
    [uid, 0o700],
  ])
})

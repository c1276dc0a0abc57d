/**
 * The embedded PostgreSQL is reached by somebody else on the machine, learns the broker's secrets from its environment,
 * or keeps values of statements in its log.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverProcesses } from '../../src/db/cluster-leftover.ts'
import {
  onlyProc,
  onlyRoot,
  openTestDataDir,
  query,
  startTestCluster,
} from '../db/cluster-fixture.ts'

test('the embedded PostgreSQL is closed to others', { skip: onlyProc }, async (t) => {
  const dataDir = await openTestDataDir(t)
  process.env['VALETKEY_TEST_SECRET'] = 'secret-of-the-broker'
  t.after(() => delete process.env['VALETKEY_TEST_SECRET'])
  const cluster = await startTestCluster(t, dataDir)
  const { uid } = await fs.stat(dataDir.pg)

  await t.test('no process of it has the broker’s environment', async () => {
    const processes = await serverProcesses(dataDir.pg, uid)
    assert.ok(processes.includes(cluster.pid) && processes.length > 1)
    const environment = await fs.readFile(`/proc/${cluster.pid}/environ`, 'latin1')
    assert.match(environment, /LC_ALL=C/)
    for (const pid of processes) {
      assert.doesNotMatch(
        await fs.readFile(`/proc/${pid}/environ`, 'latin1'),
        /VALETKEY|secret-of-the-broker/,
      )
    }
  })

  await t.test('it listens on no TCP port', async () => {
    const links = await Promise.all(
      (await fs.readdir(`/proc/${cluster.pid}/fd`)).map((fd) =>
        fs.readlink(`/proc/${cluster.pid}/fd/${fd}`).catch(() => ''),
      ),
    )
    const inodes = links.flatMap((link) => /^socket:\[([0-9]+)\]$/.exec(link)?.[1] ?? [])
    assert.ok(inodes.length > 0)
    for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
      const rows = (await fs.readFile(`/proc/net/${table}`, 'latin1').catch(() => '')).split('\n')
      for (const row of rows)
        assert.equal(inodes.includes(row.trim().split(/\s+/)[9] ?? ''), false, table)
    }
  })

  await t.test('its folders and its socket are private', async () => {
    const socket = join(cluster.connection.directory, `.s.PGSQL.${cluster.connection.port}`)
    for (const path of [dataDir.pg, dataDir.run, dataDir.log, dataDir.conf, dataDir.path, socket]) {
      assert.equal((await fs.stat(path)).mode & 0o067, 0, path)
    }
  })

  await t.test(
    'another user of the machine who gets to the socket is turned away',
    { skip: onlyRoot },
    async () => {
      const script = `
      const { Client } = await import(${JSON.stringify(import.meta.resolve('pg'))})
      for (const user of ['valetkey', 'postgres']) {
        const client = new Client({ host: process.argv[1], port: 5432, user, database: 'valetkey', ssl: false })
        client.on('error', () => {})
        console.log(await client.connect().then(() => 'in', (error) => error.code))
        await client.end().catch(() => {})
      }`
      const tryAs = (user: { uid: number; gid: number }) =>
        execFileSync(
          process.execPath,
          ['--input-type=module', '-e', script, cluster.connection.directory],
          {
            ...user,
            cwd: '/',
            env: {},
            encoding: 'utf8',
          },
        )
          .trim()
          .split('\n')
      const nobody = { uid: 65534, gid: 65534 }
      try {
        assert.deepEqual(tryAs({ uid: 0, gid: 0 }), ['in', 'in'])
        assert.deepEqual(tryAs(nobody), ['EACCES', 'EACCES'])
        // As if somebody had opened every directory and the socket.
        await fs.chmod(dataDir.path, 0o755)
        await fs.chmod(dataDir.run, 0o755)
        await fs.chmod(join(dataDir.run, '.s.PGSQL.5432'), 0o777)
        assert.deepEqual(tryAs(nobody), ['28000', '28000'])
      } finally {
        await fs.chmod(dataDir.path, 0o710)
        await fs.chmod(dataDir.run, 0o700)
      }
    },
  )

  await t.test(
    'its log holds no statement and no value, not even of a statement that fails',
    async () => {
      const value = 'value-that-must-not-be-logged'
      await query(cluster, 'CREATE TABLE entry (word text UNIQUE, n int)')
      await query(cluster, 'INSERT INTO entry VALUES ($1, 1)', [value])
      await assert.rejects(query(cluster, 'INSERT INTO entry VALUES ($1, 1)', [value]), /duplicate/)
      await assert.rejects(
        query(cluster, 'INSERT INTO entry (n) VALUES ($1)', [value]),
        /invalid input syntax/,
      )
      await assert.rejects(query(cluster, `SELECT '${value}'::int`), /invalid input syntax/)
      await assert.rejects(
        query(cluster, `DO $$ BEGIN RAISE WARNING '${value}'; RAISE '${value}'; END $$`),
      )
      await cluster.stop()
      const log = await fs.readFile(join(dataDir.log, 'postgres.log'), 'utf8')
      assert.match(log, /shut down/)
      assert.doesNotMatch(log, /value-that|INSERT|entry/)
    },
  )
})

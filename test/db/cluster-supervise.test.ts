import assert from 'node:assert/strict'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { superviseCluster, type SuperviseOptions } from '../../src/db/cluster-supervise.ts'
import type { ClusterExit } from '../../src/db/cluster.ts'
import { onlyProc, openTestDataDir, query, recordingLog } from './cluster-fixture.ts'

async function supervised(options: Omit<SuperviseOptions, 'log'>) {
  const log = recordingLog()
  const started = await superviseCluster({ ...options, log })
  if (!started.ok) throw new Error(started.detail)
  return { cluster: started.cluster, log }
}

test('one cluster, supervised', { skip: onlyProc }, async (t) => {
  const dataDir = await openTestDataDir(t)
  await t.test(
    'a server that ends unasked is told of and started again, at the same place',

    async (t) => {
      const exits: ClusterExit[] = []
      const restarted = Promise.withResolvers<void>()
      const { cluster } = await supervised({
        dataDir,
        onExit: (exit) => exits.push(exit),
        onRestart: restarted.resolve,
      })
      t.after(cluster.stop)
      const first = cluster.pid()
      assert.ok(first !== undefined)
      process.kill(first, 'SIGKILL')
      await restarted.promise
      assert.deepEqual(exits, [{ code: null, signal: 'SIGKILL', expected: false }])
      assert.notEqual(cluster.pid(), first)
      assert.deepEqual(await query(cluster, 'SELECT 1'), [[1]])
      await cluster.stop()
      await cluster.stop()
      assert.equal(cluster.pid(), undefined)
      assert.equal(exits.length, 1)
    },
  )

  await t.test(
    'a server that cannot be started again is tried until it can',

    async (t) => {
      const restarted = Promise.withResolvers<void>()
      const control = join(dataDir.pg, 'PG_VERSION')
      const failed = Promise.withResolvers<void>()
      const log = recordingLog()
      const started = await superviseCluster({
        dataDir,
        log: {
          ...log,
          error: (message) => (/is of PostgreSQL/.test(message) ? failed.resolve() : undefined),
        },
        onRestart: restarted.resolve,
      })
      assert.ok(started.ok)
      t.after(started.cluster.stop)
      const before = await fs.readFile(control)
      await fs.writeFile(control, '1\n')
      process.kill(started.cluster.pid() ?? 0, 'SIGKILL')
      await failed.promise
      await fs.writeFile(control, before)
      await restarted.promise
      assert.deepEqual(await query(started.cluster, 'SELECT 1'), [[1]])
    },
  )

  await t.test('stopping between two servers leaves none', async () => {
    const ended = Promise.withResolvers<void>()
    const { cluster } = await supervised({ dataDir, onExit: () => ended.resolve() })
    process.kill(cluster.pid() ?? 0, 'SIGKILL')
    await ended.promise
    await cluster.stop()
    assert.equal(cluster.pid(), undefined)
    await assert.rejects(query(cluster, 'SELECT 1'))
  })
})

/**
 * The user that root's PostgreSQL runs as is taken over, and plants files in its own folders to make root read, write
 * or signal something else at the next start.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { stopLeftover } from '../../src/db/cluster-leftover.ts'
import { onlyProc, recordingLog, temporary } from '../db/cluster-fixture.ts'

test(
  'what stands in the place of postmaster.pid leads root nowhere',
  { skip: onlyProc },
  async (t) => {
    const base = await temporary(t)
    const [pg, run, target] = [join(base, 'pg'), join(base, 'run'), join(base, 'target')]
    await Promise.all([fs.mkdir(pg), fs.mkdir(run)])
    const uid = process.geteuid?.() ?? 0
    const victim = spawn('sleep', ['600'], { stdio: 'ignore' })
    t.after(() => victim.kill('SIGKILL'))
    await once(victim, 'spawn')
    const content = `${victim.pid}\n${pg}\n`
    const pidFile = join(pg, 'postmaster.pid')

    await t.test('a process that is no PostgreSQL of this directory is not signalled', async () => {
      await fs.writeFile(pidFile, content)
      assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
      assert.equal(victim.exitCode ?? victim.signalCode, null)
      assert.equal((await fs.readFile(pidFile, 'utf8')).split('\n')[0], String(process.pid))
      await fs.rm(pidFile)
    })

    await t.test('nor one that only works in the directory', async () => {
      const guest = spawn('sleep', ['600'], { cwd: pg, stdio: 'ignore' })
      t.after(() => guest.kill('SIGKILL'))
      await once(guest, 'spawn')
      await fs.writeFile(pidFile, `${guest.pid}\n${pg}\n`)
      assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
      assert.equal(guest.exitCode ?? guest.signalCode, null)
      await fs.rm(pidFile)
    })

    await t.test('a link is not written through, by either kind', async () => {
      await fs.writeFile(target, content)
      await fs.symlink(target, pidFile)
      assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
      await fs.rm(pidFile)
      await fs.link(target, pidFile)
      assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
      assert.equal(await fs.readFile(target, 'utf8'), content)
      await fs.rm(pidFile)
    })

    await t.test('numbers that mean whole groups of processes are not taken for one', async () => {
      for (const text of ['-1\n', '0\n', `-${victim.pid}\n`, '1e9\n', '']) {
        await fs.writeFile(pidFile, text)
        assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
        assert.equal(await fs.readFile(pidFile, 'utf8'), text)
      }
    })

    await t.test('a link in the socket’s place is removed, not followed', async () => {
      await fs.symlink(target, join(run, '.s.PGSQL.5432.lock'))
      assert.equal(await stopLeftover(pg, run, uid, recordingLog()), undefined)
      assert.deepEqual(await fs.readdir(run), [])
      assert.equal(await fs.readFile(target, 'utf8'), content)
    })
  },
)

import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSoak, type Round, type Soak } from '../../bench/soak/rounds.ts'
import { readConfig } from '../../src/config.ts'
import { backupCommand } from '../../src/keeper/backup.ts'
import { rewrapCommand } from '../../src/keeper/rewrap.ts'
import { onlyProc, temporary } from '../db/cluster-fixture.ts'
import { startBrokerProcess, startProgram } from '../support/broker-process.ts'
import { privateDirectory, recordingDesk } from '../support/keeper.ts'

if (onlyProc !== false) test('a killed broker', { skip: onlyProc })
else killed()

function killed(): void {
  let soak: Soak
  before(async () => {
    soak = await openSoak()
  })
  after(() => soak.close())

  test('a broker that is killed under load leaves nothing forwarded unrecorded and no answer without its entry', async (t) => {
    const rounds: Round[] = []
    for (const both of [false, true, false, true]) {
      const round = await soak.round(both)
      rounds.push(round)
      assert.deepEqual(round.violations, [])
      // What the killed broker left running was found and stopped; what was killed with it was not there.
      assert.equal(/that a broker left behind/.test(soak.broker().output()), !both)
    }
    const sum = (of: (round: Round) => number) => rounds.reduce((n, round) => n + of(round), 0)
    t.diagnostic(
      `${String(sum((r) => r.sent))} sent, ${String(sum((r) => r.answered))} answered, ${String(sum((r) => r.forwarded))} forwarded, ${String(sum((r) => r.unknown))} closed as unknown`,
    )
    assert.ok(sum((r) => r.forwarded) > 0)
    assert.ok(sum((r) => r.unknown) > 0, 'some were cut off between intent and outcome')
  })

  test('a second broker on the same data directory is refused, and told by whom', async () => {
    const second = startProgram(['serve'], { VALETKEY_DATA_DIR: soak.dataDir, PORT: '1' })
    assert.deepEqual(await second.exited, { code: 1, signal: null })
    assert.match(
      second.output(),
      new RegExp(`another broker \\(pid ${String(soak.broker().pid)}\\)`),
    )
    assert.equal((await fetch(`${soak.broker().url}/healthz`)).status, 200)
  })

  test('beside a running broker its embedded database is backed up, but its key is not changed', async (t) => {
    const config = readConfig({ VALETKEY_DATA_DIR: soak.dataDir })
    const directory = await privateDirectory(t)
    await backupCommand(config, [join(directory, 'backup')], recordingDesk())
    assert.deepEqual(await readdir(directory), ['backup'])
    await assert.rejects(rewrapCommand(config, [], recordingDesk()), {
      name: 'StartError',
      message: /another broker/,
    })

    await t.test('and the backup makes a new data directory, where the key was put', async (t) => {
      // PostgreSQL's user, where that is another, must be able to pass through.
      const base = await temporary(t)
      const dataDir = join(base, 'data')
      const restore = async () => {
        const program = startProgram(['restore', join(directory, 'backup')], {
          VALETKEY_DATA_DIR: dataDir,
        })
        return { ...(await program.exited), output: program.output() }
      }
      const lacking = await restore()
      assert.equal(lacking.code, 1)
      assert.match(lacking.output, /there is no key file at .*data\/kek/)
      await copyFile(join(soak.dataDir, 'kek'), join(dataDir, 'kek'))
      const done = await restore()
      assert.equal(done.code, 0, done.output)
      assert.match(done.output, /rows restored/)
      const broker = await startBrokerProcess({ VALETKEY_DATA_DIR: dataDir })
      t.after(() => broker.exited)
      assert.equal(broker.setupSecret, undefined, 'its operators came with the backup')
      assert.equal((await fetch(`${broker.url}/readyz`)).status, 200)
      broker.kill('SIGTERM')
      assert.equal((await broker.exited).code, 0)
    })
  })

  test('a data directory of a newer version is refused', async (t) => {
    const dataDir = join(await privateDirectory(t), 'data')
    await mkdir(dataDir, { mode: 0o700 })
    await writeFile(join(dataDir, 'VERSION'), '2\n')
    const broker = startProgram(['serve'], { VALETKEY_DATA_DIR: dataDir, PORT: '1' })
    assert.equal((await broker.exited).code, 1)
    assert.match(broker.output(), /has format 2; this version of Valetkey reads up to 1/)
    assert.deepEqual(
      (await readdir(dataDir)).filter((name) => name === 'pg'),
      [],
    )
  })
}

/**
 * One embedded PostgreSQL for a whole run of the tests, and a database of its own for each that asks: a copy of one
 * that was migrated once. A test file that is run alone starts the cluster for itself.
 */
import { randomBytes } from 'node:crypto'
import { access, chmod, constants, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { startCluster } from '../../src/db/cluster.ts'
import { openDataDir } from '../../src/db/data-dir.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openUnhurriedDatabase, poolConfig, type Connection } from '../../src/db/open.ts'

export const variable = 'VALETKEY_TEST_DATABASE'
const template = 'migrated'

type Socket = Extract<Connection, { kind: 'socket' }>

const memory = '/dev/shm'
const gibibyte = 2 ** 30

/**
 * Where the tests keep what they need for a moment: in memory where there is plenty and nobody said otherwise. A suite
 * makes and drops a thousand databases of some three hundred files each, and on a disk that takes longer than the tests.
 * None of them is about what a power cut leaves.
 */
export async function scratch(): Promise<string> {
  if (process.env['TMPDIR'] !== undefined) return tmpdir()
  try {
    await access(memory, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = await statfs(memory)
    // A container may have been given less memory than its file system in memory would take.
    const room = Math.min(bavail * bsize, process.availableMemory() / 2)
    return room >= 3 * gibibyte ? memory : tmpdir()
  } catch {
    return tmpdir()
  }
}

export async function startTestCluster(): Promise<{
  connection: Socket
  stop: () => Promise<void>
}> {
  const base = await mkdtemp(path.join(await scratch(), 'valetkey-test-'))
  // As root, PostgreSQL runs as another user, who must be able to pass through.
  await chmod(base, 0o711)
  const opened = await openDataDir(path.join(base, 'data'))
  if (!opened.ok) throw new Error(opened.detail)
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const started = await startCluster({ dataDir: opened.dataDir, log: silent })
  if (!started.ok) throw new Error(started.detail)
  const { cluster } = started
  await administer(
    { ...cluster.connection, database: 'postgres' },
    `create database ${template} owner ${cluster.connection.user}`,
  )
  const db = openUnhurriedDatabase({ ...cluster.connection, database: template })
  await migrate(db)
  await db.destroy()
  // The first connection after a migration writes down what every later one, also to a copy, would have to find out.
  await administer({ ...cluster.connection, database: template }, 'select 1')
  return {
    connection: cluster.connection,
    async stop() {
      await cluster.stop()
      opened.dataDir.release()
      await rm(base, { recursive: true, force: true })
    },
  }
}

/** To copy files is the cheapest in memory; on a disk it waits twice until everything dirty is written. */
function strategy(connection: Socket): string {
  return connection.directory.startsWith(memory) ? 'file_copy' : 'wal_log'
}

/** As the cluster's own superuser: the broker's role may not make databases. */
async function administer(connection: Socket, statement: string): Promise<void> {
  const superuser = { ...connection, user: 'postgres' }
  const { query_timeout: _q, statement_timeout: _s, ...config } = poolConfig(superuser, 1)
  const client = new pg.Client(config)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

let inUse = 0
let own: Promise<{ connection: Socket; stop: () => Promise<void> }> | undefined

async function clusterConnection(): Promise<Socket> {
  const given = process.env[variable]
  if (given !== undefined) return JSON.parse(given) as Socket
  own ??= startTestCluster()
  return (await own).connection
}

/** A new database, migrated and empty, or a copy of another that nobody is connected to; `drop` takes it away again. */
export async function createTestDatabase(from: string = template): Promise<{
  connection: Socket
  drop: () => Promise<void>
}> {
  const connection = await clusterConnection()
  const database = `t_${randomBytes(6).toString('hex')}`
  await administer(
    connection,
    `create database ${database} owner ${connection.user} template ${from} strategy ${strategy(connection)}`,
  )
  inUse++
  return {
    connection: { ...connection, database },
    async drop() {
      await administer(connection, `drop database if exists ${database} with (force)`)
      // The cluster that this process started for itself goes with the last of its databases.
      if (--inUse > 0) return
      const cluster = await own
      own = undefined
      await cluster?.stop()
    },
  }
}

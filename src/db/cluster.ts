/**
 * The broker's own PostgreSQL, for those who set no DATABASE_URL. Guarantees: it answers on a Unix socket in a private
 * directory and nowhere else, to the broker's own user alone; what it commits is on disk; it sees none of the broker's
 * environment and logs no statement or value; and it works as a user that can neither read the key-encryption key nor
 * change its own access rules where the broker is root.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { findBinaries, nativeDirectory, type Binaries } from './cluster-binaries.ts'
import {
  childEnvironment,
  errorCode,
  lastLines,
  refuse,
  type ClusterLog,
  type ClusterRefusal,
} from './cluster-command.ts'
import { checkVersion, makeCluster } from './cluster-init.ts'
import { serverPort, stopLeftover, stopProcesses, stopSteps } from './cluster-leftover.ts'
import { findServerUser, prepareFolders, type ServerUser } from './cluster-owner.ts'
import {
  database,
  hbaRules,
  identMap,
  role,
  serverSettings,
  superuser,
} from './cluster-settings.ts'
import { socketDirectory } from './cluster-socket.ts'
import type { DataDir } from './data-dir.ts'
import type { Connection } from './open.ts'

export type { ClusterLog, ClusterRefusal } from './cluster-command.ts'

export type ClusterOptions = {
  /** Held by the caller for as long as the cluster runs. */
  readonly dataDir: DataDir
  readonly log: ClusterLog
  /** Where the server's programs are: `bin`, `lib` and `share`. By default those of the installed package. */
  readonly native?: string
}

export type ClusterExit = {
  readonly code: number | null
  readonly signal: string | null
  /** False where the server ended by itself, or somebody else ended it. */
  readonly expected: boolean
}

export type Cluster = {
  readonly connection: Extract<Connection, { kind: 'socket' }>
  /** Of the postmaster. */
  readonly pid: number
  /** Resolves when the server has ended; never rejects. */
  readonly exited: Promise<ClusterExit>
  /** Ends the server, orderly where it lets itself; takes 25 s at most. Idempotent. */
  readonly stop: () => Promise<void>
}

export type ClusterStarted = { readonly ok: true; readonly cluster: Cluster }

/** How long a start may take, in milliseconds. After a crash the log is replayed first: at most 512 MB of it. */
const startTimeout = 120_000

/** Starts the server, making the cluster where there is none; resolves when it answers and the database is there. */
export async function startCluster(
  options: ClusterOptions,
): Promise<ClusterStarted | ClusterRefusal> {
  const { dataDir, log } = options
  const owner = await findServerUser(dataDir, log)
  if (!owner.ok) return owner
  const { user } = owner
  const unreachable = await prepareFolders(dataDir, user)
  if (unreachable !== undefined) return unreachable
  const socket = await socketDirectory(dataDir, user)
  if (!socket.ok) return socket
  const left = await stopLeftover(dataDir.pg, socket.directory, user.uid, log)
  if (left !== undefined) return left
  const found = await findBinaries({
    native: options.native ?? nativeDirectory(),
    pgBin: dataDir.pgBin,
    as: user.as,
    log,
  })
  if (!found.ok) return found
  const { binaries } = found
  const unusable =
    (await makeCluster(dataDir, binaries, user, log)) ?? (await checkVersion(dataDir, binaries))
  if (unusable !== undefined) return unusable
  return launch(dataDir, binaries, user, socket.directory)
}

async function launch(
  dataDir: DataDir,
  binaries: Binaries,
  user: ServerUser,
  socket: string,
): Promise<ClusterStarted | ClusterRefusal> {
  const hbaFile = await writeRules(join(dataDir.conf, 'pg_hba.conf'), hbaRules, user)
  const identFile = await writeRules(join(dataDir.conf, 'pg_ident.conf'), identMap(user.peer), user)
  const logFile = join(dataDir.log, 'postgres.log')
  await rotate(logFile)
  const settings = Object.entries(serverSettings({ socket, hbaFile, identFile }))
  const output = await fs.open(logFile, 'a', 0o600)
  const { size: logStart } = await output.stat()
  let child: ChildProcess
  try {
    child = spawn(
      binaries.postgres,
      ['-D', dataDir.pg, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        env: { ...childEnvironment },
        cwd: '/',
        // Written through an open file: the server's user needs no way to the log's folder.
        stdio: ['ignore', output.fd, output.fd],
        // Out of the terminal's process group: Ctrl-C is for the broker, which drains and then stops the server itself.
        detached: true,
        ...(user.as === undefined ? {} : { uid: user.as.uid, gid: user.as.gid }),
      },
    )
  } finally {
    await output.close()
  }
  let stopping: Promise<void> | undefined
  let ended = false
  const exited = new Promise<ClusterExit>((resolve) => {
    const end = (code: number | null, signal: string | null) => {
      ended = true
      resolve({ code, signal, expected: stopping !== undefined })
    }
    child.once('exit', end)
    child.once('error', () => end(null, null))
  })
  const stop = () => (stopping ??= stopServer(child, exited, dataDir.pg, user.uid))

  const connection = {
    kind: 'socket',
    directory: socket,
    port: serverPort,
    user: role,
    database,
  } as const
  const problem = await bootstrap(socket, () => ended)
  if (problem !== undefined || child.pid === undefined) {
    await stop()
    const printed = await fs.readFile(logFile, 'utf8').catch(() => '')
    const detail = [problem, lastLines(printed.slice(logStart))].filter(Boolean).join(': ')
    return refuse('start_failed', `PostgreSQL does not start: ${detail}`)
  }
  return { ok: true, cluster: { connection, pid: child.pid, exited, stop } }
}

/** Written anew at every start, into a folder that is the broker's: the server's user reads its rules and cannot change them. */
async function writeRules(path: string, text: string, user: ServerUser): Promise<string> {
  await fs.rm(path, { force: true })
  const file = await fs.open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    if (user.as !== undefined) {
      await file.chown(0, user.gid)
      await file.chmod(0o640)
    }
  } finally {
    await file.close()
  }
  return path
}

/** Keeps the log of at most one start more once it is over 4 MiB. */
async function rotate(path: string): Promise<void> {
  const stat = await fs.stat(path).catch(() => undefined)
  if (stat !== undefined && stat.size > 4 * 1024 * 1024) await fs.rename(path, `${path}.1`)
}

/** Waits until the server answers, and makes the role and the database where they are missing. Says what went wrong. */
async function bootstrap(socket: string, ended: () => boolean): Promise<string | undefined> {
  const deadline = performance.now() + startTimeout
  for (;;) {
    if (ended()) return 'it ended'
    if (performance.now() > deadline) return `it did not answer within ${startTimeout / 1000} s`
    const client = new Client({
      host: socket,
      port: serverPort,
      user: superuser,
      database: 'postgres',
      ssl: false,
      connectionTimeoutMillis: 5_000,
      query_timeout: 30_000,
    })
    // A connection that breaks later is told of by the query; unhandled, the event would end the process.
    client.on('error', () => undefined)
    try {
      await client.connect()
      await createDatabase(client)
      return undefined
    } catch (error) {
      if (!isNotYet(error)) return error instanceof Error ? error.message : String(error)
    } finally {
      await client.end().catch(() => undefined)
    }
    await sleep(20)
  }
}

function isNotYet(error: unknown): boolean {
  const code = errorCode(error)
  // 57P03: the server is starting up, or replaying its log.
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03'
}

async function createDatabase(client: Client): Promise<void> {
  const roles = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])
  if (roles.rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN`)
  const databases = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
  if (databases.rowCount === 0) {
    await client.query(
      `CREATE DATABASE ${database} OWNER ${role} TEMPLATE template0 ENCODING 'UTF8'`,
    )
  }
}

async function stopServer(
  child: ChildProcess,
  exited: Promise<ClusterExit>,
  pgDirectory: string,
  uid: number,
): Promise<void> {
  const [orderly, atOnce, byForce] = stopSteps
  for (const { signal, wait } of [orderly, atOnce]) {
    // kill() of a child that has been reaped sends nothing, so that no other process is hit.
    child.kill(signal)
    if (await within(exited, wait)) return
  }
  await stopProcesses(pgDirectory, uid, [byForce])
}

async function within(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const abort = new AbortController()
  try {
    return await Promise.race([
      promise.then(() => true),
      sleep(milliseconds, false, { signal: abort.signal }).catch(() => false),
    ])
  } finally {
    abort.abort()
  }
}

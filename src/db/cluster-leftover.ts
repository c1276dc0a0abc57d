/**
 * A server that outlived its broker. Guarantees, against a start that trips over the last one's end: afterwards no
 * process works on the cluster, and what the last server left in its files does not stop the next. It is stopped, not adopted,
 * so that the server that runs is a child of ours with settings of ours; that costs half a second.
 *
 * Guarantees, against process ids that were given to somebody else meanwhile: a process is signalled only when it is a
 * PostgreSQL that works in this very directory and runs as the cluster's owner.
 */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  errorCode,
  refuse,
  runCommand,
  type ClusterLog,
  type ClusterRefusal,
} from './cluster-command.ts'

type StopStep = { readonly signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'; readonly wait: number }

/** How long each step of stopping may take, in milliseconds: orderly, at once (the log is replayed later), by force. */
export const stopSteps = [
  { signal: 'SIGINT', wait: 15_000 },
  { signal: 'SIGQUIT', wait: 5_000 },
  { signal: 'SIGKILL', wait: 5_000 },
] as const satisfies readonly StopStep[]

/** Stops what still works on the cluster in `pg`, whose owner is `uid`, and clears what would stop the next server. */
export async function stopLeftover(
  pg: string,
  run: string,
  uid: number,
  log: ClusterLog,
): Promise<ClusterRefusal | undefined> {
  const named = await namedProcess(pg, uid)
  const found = await serverProcesses(pg, uid)
  if (found.length > 0) {
    log.warn(`stopping a PostgreSQL that a broker left behind (pid ${found.join(', ')})`)
    if (!(await stopProcesses(pg, uid))) {
      return refuse(
        'leftover',
        `a PostgreSQL that a broker left behind (pid ${found.join(', ')}) does not stop`,
      )
    }
  } else if (named !== undefined && isAlive(named)) {
    await disown(pg, uid)
  }
  // The socket's own lock names a process id too, which may be somebody else's by now. unlink follows no link.
  for (const name of [`.s.PGSQL.${serverPort}.lock`, `.s.PGSQL.${serverPort}`]) {
    await fs.rm(join(run, name), { force: true })
  }
  return undefined
}

/** There is no TCP: the port is only a part of the socket's name. */
export const serverPort = 5432

/** Stops every process of the server in `pg`, ever less gently. False where one is left. */
export async function stopProcesses(
  pg: string,
  uid: number,
  steps: readonly StopStep[] = stopSteps,
): Promise<boolean> {
  for (const { signal, wait } of steps) {
    const processes = await serverProcesses(pg, uid)
    if (processes.length === 0) return true
    // The postmaster stops the others; without it each is told.
    const postmaster = await namedProcess(pg, uid)
    const targets =
      postmaster !== undefined && processes.includes(postmaster) && signal !== 'SIGKILL'
        ? [postmaster]
        : processes
    for (const pid of targets) send(pid, signal)
    for (let waited = 0; waited < wait; waited += 20) {
      if ((await serverProcesses(pg, uid)).length === 0) return true
      await sleep(20)
    }
  }
  return (await serverProcesses(pg, uid)).length === 0
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The processes of the server whose cluster is in `pg`: postmaster, and what works for it or survived it. */
export async function serverProcesses(pg: string, uid: number): Promise<readonly number[]> {
  const directory = await fs.stat(pg).catch(() => undefined)
  if (directory === undefined) return []
  const entries = await fs.readdir('/proc').catch(() => undefined)
  // Without /proc (macOS) only the postmaster is found; what survives it ends by itself.
  if (entries === undefined || !entries.includes('self')) return serverByCommand(pg, uid)
  const found: number[] = []
  for (const pid of entries) {
    if (/^[0-9]+$/.test(pid) && (await isServer(pid, pg, directory, uid))) found.push(Number(pid))
  }
  return found
}

async function isServer(
  pid: string,
  pg: string,
  directory: { readonly ino: number; readonly dev: number },
  uid: number,
): Promise<boolean> {
  try {
    if ((await fs.stat(`/proc/${pid}`)).uid !== uid) return false
    // Every process of a server works in its cluster's directory; compared by identity, not by name.
    const cwd = await fs.stat(`/proc/${pid}/cwd`)
    if (cwd.ino !== directory.ino || cwd.dev !== directory.dev) return false
    // Of a checkout that was removed meanwhile, the kernel says so at the end of the name.
    const program = basename((await fs.readlink(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, ''))
    return program === 'postgres'
  } catch (error) {
    const code = errorCode(error)
    if (code !== 'EACCES' && code !== 'EPERM') return false
    // Root in a container without CAP_SYS_PTRACE may not look there at another user's processes, but may read how they were
    // called. This tells the postmaster; the others end with it.
    const command = await fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const [program = '', option, path] = command.split('\0')
    return basename(program) === 'postgres' && option === '-D' && path === pg
  }
}

async function serverByCommand(pg: string, uid: number): Promise<readonly number[]> {
  const pid = await namedProcess(pg, uid)
  if (pid === undefined) return []
  const { status, stdout } = await runCommand('ps', ['-o', 'uid=,command=', '-p', String(pid)])
  const ours =
    stdout.trim().startsWith(`${uid} `) &&
    /\bpostgres\b/.test(stdout) &&
    stdout.includes(` -D ${pg} `)
  return status === 0 && ours ? [pid] : []
}

/**
 * Opens postmaster.pid. The directory belongs to the server's user, who may not be the broker's: no link is followed,
 * and nothing is opened that has another owner or another name elsewhere.
 */
async function openPidFile(
  pg: string,
  uid: number,
  flags: number,
): Promise<fs.FileHandle | undefined> {
  const path = join(pg, 'postmaster.pid')
  let file: fs.FileHandle
  try {
    file = await fs.open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  const stat = await file.stat()
  if (stat.isFile() && stat.uid === uid && stat.nlink === 1 && stat.size < 4096) return file
  await file.close()
  return undefined
}

/** The process id on the first line of postmaster.pid. It may be anybody's. */
async function namedProcess(pg: string, uid: number): Promise<number | undefined> {
  const file = await openPidFile(pg, uid, constants.O_RDONLY)
  if (file === undefined) return undefined
  try {
    const [first = ''] = (await file.readFile('utf8')).split('\n')
    return /^[1-9][0-9]{0,9}$/.test(first) ? Number(first) : undefined
  } finally {
    await file.close()
  }
}

/**
 * postmaster.pid names a living process that is not of this server: its id was given away. PostgreSQL would refuse to start, and
 * removing the file would skip its look at the shared memory that the rest of the file names. PostgreSQL
 * passes over its own parent's id there, so the file is made to name us.
 */
async function disown(pg: string, uid: number): Promise<void> {
  const file = await openPidFile(pg, uid, constants.O_RDWR)
  if (file === undefined) return
  try {
    const lines = (await file.readFile('utf8')).split('\n')
    lines[0] = String(process.pid)
    await file.truncate(0)
    await file.write(lines.join('\n'), 0)
  } finally {
    await file.close()
  }
}

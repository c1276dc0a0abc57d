/**
 * Who the embedded PostgreSQL runs as. An ordinary user's broker runs it as that user. PostgreSQL refuses to run as root,
 * so root's runs it as another user. Guarantees, against that user (and another server that runs as it): it owns `pg/` and
 * `run/` and passes through the data directory to them; it cannot list the directory, read the key-encryption key or
 * the lock, or change its own access rules.
 */
import * as fs from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import {
  errorCode,
  refuse,
  runCommand,
  type ClusterLog,
  type ClusterRefusal,
  type CommandResult,
  type RunAs,
} from './cluster-command.ts'
import type { DataDir } from './data-dir.ts'

export type ServerUser = {
  readonly uid: number
  readonly gid: number
  /** Set where it is another user than the broker's own. */
  readonly as: RunAs
  /** The name of the broker's own user, which is let in through the socket. */
  readonly peer: string
}

/** Runs a program as the broker's own user. */
export type Run = (file: string, args: readonly string[]) => Promise<CommandResult>

const dedicated = 'valetkey'

/** Finds the user to run the server as, and makes one where root has none to choose from. */
export async function findServerUser(
  dataDir: DataDir,
  log: ClusterLog,
  run: Run = runCommand,
): Promise<{ readonly ok: true; readonly user: ServerUser } | ClusterRefusal> {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()]
  if (uid === undefined || gid === undefined) {
    return refuse('unsupported_platform', 'the embedded PostgreSQL needs a Unix; set DATABASE_URL')
  }
  let peer: string
  try {
    peer = userInfo().username
  } catch {
    return refuse(
      'no_server_user',
      `user ${uid} has no name on this system, which PostgreSQL needs; give it one, or set DATABASE_URL`,
    )
  }
  // The name goes into a line of pg_ident.conf, where these have a meaning.
  if (!/^[^/"\s][^"\s]*$/.test(peer)) {
    return refuse('no_server_user', `the name of user ${uid} cannot be used in PostgreSQL's rules`)
  }
  if (uid !== 0) return { ok: true, user: { uid, gid, as: undefined, peer } }

  const other = await findOther(dataDir, log, run)
  return other.ok ? { ok: true, user: { ...other.as, as: other.as, peer } } : other
}

async function findOther(
  dataDir: DataDir,
  log: ClusterLog,
  run: Run,
): Promise<{ readonly ok: true; readonly as: NonNullable<RunAs> } | ClusterRefusal> {
  // A cluster that is there already keeps its owner, whatever users were made since.
  const existing = await fs.stat(dataDir.pg).catch(() => undefined)
  const names =
    existing !== undefined && existing.uid !== 0 ? [String(existing.uid)] : [dedicated, 'postgres']
  for (const name of names) {
    const as = await lookUp(name, run)
    if (as !== undefined) return { ok: true, as }
  }
  if (existing !== undefined && existing.uid !== 0) {
    return refuse('no_server_user', `user ${existing.uid}, who owns ${dataDir.pg}, does not exist`)
  }
  log.warn(
    `PostgreSQL does not run as root, and there is no user "${dedicated}" or "postgres": ` +
      `making the system user "${dedicated}" for it (no home, no shell)`,
  )
  const made = await run('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    dedicated,
  ])
  const as = made.status === 0 ? await lookUp(dedicated, run) : undefined
  if (as !== undefined) return { ok: true, as }
  return refuse(
    'no_server_user',
    `the system user "${dedicated}" cannot be made (${made.stderr.trim().slice(0, 200)}): ` +
      `make it by hand, run the broker as an ordinary user, or set DATABASE_URL`,
  )
}

async function lookUp(name: string, run: Run): Promise<NonNullable<RunAs> | undefined> {
  const numbers: number[] = []
  for (const option of ['-u', '-g']) {
    const { status, stdout } = await run('id', [option, name])
    if (status !== 0 || !/^[0-9]{1,10}\n?$/.test(stdout)) return undefined
    numbers.push(Number(stdout))
  }
  const [uid, gid] = numbers
  // A user who is root by another name is no other user.
  if (uid === undefined || gid === undefined || uid === 0) return undefined
  return { uid, gid }
}

/** Makes the folders around the cluster and gives each to whom it belongs; refuses where the server could not reach its own. */
export async function prepareFolders(
  dataDir: DataDir,
  user: ServerUser,
): Promise<ClusterRefusal | undefined> {
  if (user.as !== undefined) {
    // Only the group of that user, only passing through.
    await fs.chown(dataDir.path, 0, user.gid)
    await fs.chmod(dataDir.path, 0o710)
  }
  await makeFolder(dataDir.run, 0o700, user.uid, user.gid)
  await makeFolder(dataDir.log, 0o700)
  if (user.as === undefined) await makeFolder(dataDir.conf, 0o700)
  else await makeFolder(dataDir.conf, 0o710, 0, user.gid)

  if (await canEnter(dataDir.run, user.as)) return undefined
  let barrier = dataDir.path
  while (barrier !== dirname(barrier) && !(await canEnter(dirname(barrier), user.as)))
    barrier = dirname(barrier)
  return refuse(
    'unreachable_directory',
    `PostgreSQL runs as user ${user.uid}, who cannot pass through ${barrier} to the data directory ${dataDir.path}. ` +
      `Leave VALETKEY_DATA_DIR unset (/var/lib/valetkey is used), choose one below a directory that everybody may pass ` +
      `through, or run the broker as an ordinary user`,
  )
}

/** The parent is writable by the broker's user alone, so what stands there was put there by it. */
async function makeFolder(path: string, mode: number, uid?: number, gid?: number): Promise<void> {
  try {
    await fs.mkdir(path, { mode })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  if (uid !== undefined && gid !== undefined) await fs.chown(path, uid, gid)
  await fs.chmod(path, mode)
}

/** Asked of the system itself, as that user: modes alone do not tell of access lists, containers or mounts. */
async function canEnter(path: string, as: RunAs): Promise<boolean> {
  const { status } = await runCommand('/bin/sh', ['-c', 'cd -- "$1"', 'sh', path], { as })
  return status === 0
}

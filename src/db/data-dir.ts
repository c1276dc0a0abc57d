/**
 * The broker's data directory: who may reach it, which format it has, and that one broker at a time uses it.
 *
 * Guarantees, against another user of the same machine: nothing in here is read or replaced by anyone but the user the
 * broker runs as (and, where that is root, traversed by the user PostgreSQL runs as, whose own folders these are).
 * Guarantees, against ourselves: no second broker on the same directory, none of an older version on a newer format,
 * and no directory taken for ours that holds somebody else's files.
 *
 * ```
 * VERSION       the format of this directory
 * lock          held by the running broker; lock.holder says which process that is
 * kek           the key-encryption key, where it is kept in a file; never readable by PostgreSQL's user
 * pg/           the PostgreSQL cluster
 * run/          its socket
 * conf/  log/   its access rules and its log
 * pg-bin/       its binaries, where it cannot reach those of the checkout
 * ```
 */
import * as fs from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The format that this program reads and writes. */
export const dataDirVersion = 1

export type DataDir = {
  /** Absolute, symbolic links resolved. */
  readonly path: string
  readonly kekFile: string
  readonly pg: string
  readonly run: string
  readonly conf: string
  readonly log: string
  readonly pgBin: string
  /** Lets another broker use the directory. Idempotent; whatever runs in here must have been stopped before. */
  readonly release: () => void
}

export type DataDirRefusal = {
  readonly ok: false
  readonly reason:
    'path_invalid' | 'permissions' | 'foreign' | 'version_newer' | 'version_unreadable' | 'in_use'
  /** A sentence for the operator, which says what to do. */
  readonly detail: string
}

/**
 * Where the data directory is when nobody says otherwise. It lies outside the checkout, which an agent may read.
 * Root's is below /var/lib, because there PostgreSQL runs as another user, who could not reach root's home.
 */
export function defaultDataDir(user: {
  readonly root: boolean
  /** The value of XDG_STATE_HOME. The XDG specification has relative paths ignored. */
  readonly xdgStateHome?: string | undefined
  readonly home?: string
}): string {
  if (user.root) return '/var/lib/valetkey'
  const state = user.xdgStateHome
  if (state !== undefined && isAbsolute(state)) return join(state, 'valetkey')
  return join(user.home ?? homedir(), '.local', 'state', 'valetkey')
}

/** Opens the data directory, making it where there is none, and holds it until `release`. */
export async function openDataDir(path: string): Promise<DataDirRefusal | DataDirOpened> {
  if (!isAbsolute(path))
    return refuse('path_invalid', `the data directory must be an absolute path: ${path}`)
  const created = await createDirectory(path)
  if (created !== undefined) return created
  const real = await fs.realpath(path)
  const unsafe = await checkPermissions(real)
  if (unsafe !== undefined) return unsafe
  const foreign = await checkForeign(real)
  if (foreign !== undefined) return foreign
  const lock = await takeLock(real)
  if (!lock.ok) return lock
  const version = await checkVersion(real)
  if (version !== undefined) {
    lock.release()
    return version
  }
  return { ok: true, dataDir: { ...layoutOf(real), release: lock.release } }
}

/** Where what lies in the data directory at `path`, which has no symbolic links. */
export function layoutOf(path: string): Omit<DataDir, 'release'> {
  return {
    path,
    kekFile: join(path, 'kek'),
    pg: join(path, 'pg'),
    run: join(path, 'run'),
    conf: join(path, 'conf'),
    log: join(path, 'log'),
    pgBin: join(path, 'pg-bin'),
  }
}

export type DataDirOpened = { readonly ok: true; readonly dataDir: DataDir }

function refuse(reason: DataDirRefusal['reason'], detail: string): DataDirRefusal {
  return { ok: false, reason, detail }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function isRoot(): boolean {
  return process.geteuid?.() === 0
}

async function createDirectory(path: string): Promise<DataDirRefusal | undefined> {
  try {
    // Parents of root's directory are traversable, so that PostgreSQL's user gets as far as the directory itself;
    // an ordinary user's are private, as the XDG specification asks.
    await fs.mkdir(dirname(path), { recursive: true, mode: isRoot() ? 0o755 : 0o700 })
    const made = await fs.mkdir(path, { mode: 0o700 }).then(
      () => true,
      (error: unknown) => {
        if (errorCode(error) === 'EEXIST') return false
        throw error
      },
    )
    // The umask can only have taken away from what mkdir was told. What was there before is left as it is.
    if (made) await fs.chmod(path, 0o700)
    return undefined
  } catch (error) {
    const code = errorCode(error) ?? 'unknown error'
    return refuse('path_invalid', `the data directory ${path} cannot be made (${code})`)
  }
}

async function checkPermissions(path: string): Promise<DataDirRefusal | undefined> {
  const stat = await fs.stat(path)
  if (!stat.isDirectory()) return refuse('path_invalid', `${path} is not a directory`)
  const euid = process.geteuid?.()
  if (euid !== undefined && stat.uid !== euid) {
    return refuse(
      'permissions',
      `the data directory ${path} belongs to user ${stat.uid}, but the broker runs as user ${euid}; ` +
        `run it as its owner, or choose another directory with VALETKEY_DATA_DIR`,
    )
  }
  // Root's directory lets one group pass through (not list) it: that of PostgreSQL's user. See cluster-owner.ts.
  const allowed = isRoot() ? 0o710 : 0o700
  const mode = stat.mode & 0o777
  if ((mode & ~allowed) !== 0) {
    return refuse(
      'permissions',
      `the data directory ${path} is open to other users (mode ${mode.toString(8).padStart(4, '0')}); ` +
        `look who used it, then run: chmod 700 ${path}`,
    )
  }
  // Whoever may rename entries of a directory above can put another directory in the place of ours.
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    const { mode: parentMode } = await fs.stat(parent)
    if ((parentMode & 0o002) !== 0 && (parentMode & stickyBit) === 0) {
      return refuse(
        'permissions',
        `the data directory ${path} lies below ${parent}, which everybody may write to`,
      )
    }
    if (parent === dirname(parent)) return undefined
  }
}

/** A directory without VERSION is taken for ours only where it holds nothing, or what an interrupted first start left. */
async function checkForeign(path: string): Promise<DataDirRefusal | undefined> {
  const entries = await fs.readdir(path)
  if (entries.includes('VERSION')) return undefined
  const other = entries.find((name) => !/^(lock|VERSION\.)/.test(name))
  if (other === undefined) return undefined
  return refuse(
    'foreign',
    `${path} holds files (such as ${other}) but is not a data directory of Valetkey`,
  )
}

async function checkVersion(path: string): Promise<DataDirRefusal | undefined> {
  const file = join(path, 'VERSION')
  let text: string
  try {
    text = await fs.readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    await writeDurably(file, `${dataDirVersion}\n`)
    return undefined
  }
  if (!/^[1-9][0-9]{0,8}\n?$/.test(text)) {
    return refuse(
      'version_unreadable',
      `${file} does not hold a version; restore the data directory from a backup`,
    )
  }
  const version = Number(text)
  if (version > dataDirVersion) {
    return refuse(
      'version_newer',
      `the data directory ${path} has format ${version}; this version of Valetkey reads up to ${dataDirVersion}. ` +
        `Use the version that wrote it, or a newer one`,
    )
  }
  return undefined
}

/** Writes a file so that after a crash it is there in full or not at all. */
async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}`
  const handle = await fs.open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await fs.rename(temporary, file)
  const directory = await fs.open(dirname(file), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** S_ISVTX: in such a directory only the owner of an entry may rename it. */
const stickyBit = 0o1000

type Lock = { readonly ok: true; readonly release: () => void }

/** The lock lasts as long as its connection, so no connection may be collected as garbage while it is held. */
const held = new Set<DatabaseSync>()

/**
 * A lock of the operating system, so that it ends with its holder however that dies, is taken by exactly one of two
 * that find it free, and means the same in two containers with one volume, where both brokers are process 1: none of
 * which a file with a process id in it can do. Node has no call for it, but its SQLite takes one on an empty database.
 */
async function takeLock(path: string): Promise<Lock | DataDirRefusal> {
  const file = join(path, 'lock')
  const holderFile = join(path, 'lock.holder')
  // SQLite would make it readable by others. Only where it is missing: closing a second descriptor of a file drops
  // this process's POSIX locks on it.
  try {
    await (await fs.open(file, 'wx', 0o600)).close()
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    database.exec('PRAGMA journal_mode=MEMORY')
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    // SQLITE_BUSY; anything else is no other broker.
    if (!(error instanceof Error && 'errcode' in error && error.errcode === 5)) throw error
    const holder = await fs.readFile(holderFile, 'utf8').catch(() => '')
    const pid = /^[0-9]{1,10}\n$/.test(holder) ? `pid ${holder.trim()}` : 'pid unknown'
    return refuse(
      'in_use',
      `another broker (${pid}) is using the data directory ${path}; ` +
        `stop it first, or choose another directory with VALETKEY_DATA_DIR`,
    )
  }
  held.add(database)
  await fs.writeFile(holderFile, `${process.pid}\n`, { mode: 0o600 })
  return {
    ok: true,
    release() {
      if (held.delete(database)) database.close()
    },
  }
}

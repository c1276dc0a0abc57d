/**
 * Makes the database cluster, once. Guarantees, against a start that is cut short: a directory that has the cluster's
 * name holds a whole cluster, durably on disk, and one of another major version is refused before a server touches it.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from './cluster-binaries.ts'
import {
  lastLines,
  refuse,
  runCommand,
  type ClusterLog,
  type ClusterRefusal,
} from './cluster-command.ts'
import type { ServerUser } from './cluster-owner.ts'
import { superuser } from './cluster-settings.ts'
import type { DataDir } from './data-dir.ts'

/** In milliseconds; it takes half a second where the disk is not busy. */
const initTimeout = 120_000

/** The access rules made here are replaced before the server starts; until then they are no wider. */
const initOptions = [
  '--encoding=UTF8',
  '--locale=C',
  '--data-checksums',
  '--auth-local=peer',
  '--auth-host=reject',
  '--no-instructions',
]

/** Made aside and then renamed, so that what has the cluster's name is whole. */
export async function makeCluster(
  dataDir: DataDir,
  binaries: Binaries,
  user: ServerUser,
  log: ClusterLog,
): Promise<ClusterRefusal | undefined> {
  const exists = await fs.lstat(dataDir.pg).catch(() => undefined)
  if (exists !== undefined) return undefined
  for (const name of await fs.readdir(dataDir.path)) {
    if (/^pg-init-[0-9a-f]{16}$/.test(name))
      await removeServerFolder(join(dataDir.path, name), user)
  }
  log.info(`making a database cluster in ${dataDir.pg}`)
  const fresh = join(dataDir.path, `pg-init-${randomBytes(8).toString('hex')}`)
  await fs.mkdir(fresh, { mode: 0o700 })
  if (user.as !== undefined) await fs.chown(fresh, user.uid, user.gid)
  const made = await runCommand(
    binaries.initdb,
    [`--pgdata=${fresh}`, `--username=${superuser}`, ...initOptions],
    { as: user.as, timeout: initTimeout },
  )
  if (made.status !== 0) {
    await removeServerFolder(fresh, user)
    return refuse('init_failed', `the database cluster cannot be made: ${lastLines(made.stderr)}`)
  }
  await fs.rename(fresh, dataDir.pg)
  const parent = await fs.open(dataDir.path, 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
  return undefined
}

/**
 * As the server's user: were root to descend into a tree of that user's, it could be led out of it by a link put in
 * the place of a directory meanwhile.
 */
async function removeServerFolder(path: string, user: ServerUser): Promise<void> {
  await runCommand('rm', ['-rf', '--', path], { as: user.as })
  await fs.rmdir(path).catch(() => undefined)
}

export async function checkVersion(
  dataDir: DataDir,
  binaries: Binaries,
): Promise<ClusterRefusal | undefined> {
  const text = await fs.readFile(join(dataDir.pg, 'PG_VERSION'), 'latin1').catch(() => '')
  const version = /^([0-9]{1,3})\n$/.exec(text)?.[1]
  if (version === binaries.major) return undefined
  return refuse(
    'version_mismatch',
    `the database cluster in ${dataDir.pg} is of PostgreSQL ${version ?? '(unreadable)'}, this version of Valetkey brings ` +
      `${binaries.major}: make a backup with the version that wrote it, and restore that into a new data directory`,
  )
}

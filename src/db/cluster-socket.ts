/**
 * Where the server's socket is: in the data directory, unless its path is too long for a socket's address (107 bytes on
 * Linux, 103 on macOS). Then in a short directory of its own, which the data directory remembers. Guarantees, against another user of the machine
 * who makes a directory of that name first: it is used only where it belongs to the server's user and is closed to others.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { refuse, type ClusterRefusal } from './cluster-command.ts'
import { serverPort } from './cluster-leftover.ts'
import type { ServerUser } from './cluster-owner.ts'
import type { DataDir } from './data-dir.ts'

const longestAddress = 103

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${serverPort}`)) <= longestAddress
}

/** The socket's directory: there, 0700, and the server's user's. */
export async function socketDirectory(
  dataDir: DataDir,
  user: ServerUser,
): Promise<{ readonly ok: true; readonly directory: string } | ClusterRefusal> {
  if (fits(dataDir.run)) return { ok: true, directory: dataDir.run }
  const record = join(dataDir.path, 'socket-dir')
  const recorded = await fs.readFile(record, 'utf8').catch(() => '')
  if (recorded !== '' && (await isPrivate(recorded, user))) return { ok: true, directory: recorded }
  // Not /run/user/<uid>: it goes when the user logs out, and the broker may stay. /run is root's alone to write to.
  for (const base of user.as === undefined ? ['/tmp'] : ['/run', '/tmp']) {
    try {
      // mkdtemp makes it 0700, and fails rather than take what is there.
      const directory = await fs.mkdtemp(join(await fs.realpath(base), 'valetkey-'))
      if (user.as !== undefined) await fs.chown(directory, user.uid, user.gid)
      if (!fits(directory) || !(await isPrivate(directory, user))) continue
      await fs.writeFile(record, directory, { mode: 0o600 })
      return { ok: true, directory }
    } catch {
      // The next one, then.
    }
  }
  return refuse(
    'socket_directory',
    `the path of the data directory ${dataDir.path} is too long for a socket, and no short directory could be made in /tmp; ` +
      `choose a shorter VALETKEY_DATA_DIR`,
  )
}

async function isPrivate(directory: string, user: ServerUser): Promise<boolean> {
  try {
    const stat = await fs.lstat(directory)
    return stat.isDirectory() && stat.uid === user.uid && (stat.mode & 0o077) === 0
  } catch {
    return false
  }
}

/**
 * The key-encryption key in a file. Guarantees, against other users of the machine: the file is made 0600, and one that
 * others own or may read is refused, because it must be taken for known to them. It does NOT guard against whoever runs
 * as the broker's own user, an agent for instance: that user reads the key beside the database.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { generateKekText, kekFromText, type KekOpened, type KekRefusal } from './kek.ts'

/** No key file is near this size: whatever is larger is another file. */
const largest = 4096

/** Reads the key file at `path`. A symbolic link is followed; what counts is the file it leads to. */
export async function readKekFile(path: string): Promise<KekOpened | KekRefusal> {
  let file: fs.FileHandle
  try {
    // Not blocking, so that a FIFO in its place cannot hold the start up.
    file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return refuse('missing', `there is no key file at ${path}`)
    return refuse('permissions', `the key file ${path} cannot be read (${code ?? 'unknown error'})`)
  }
  try {
    // Of the open file, not of the path: what is checked is what is read.
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > largest)
      return refuse('malformed', `${path} is not a key file`)
    const euid = process.geteuid?.()
    if (euid !== undefined && stat.uid !== euid) {
      return refuse(
        'permissions',
        `the key file ${path} belongs to user ${stat.uid}, but the broker runs as user ${euid}`,
      )
    }
    if ((stat.mode & 0o077) !== 0) {
      return refuse(
        'permissions',
        `the key file ${path} is open to other users (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}): ` +
          `take the key for known to them; chmod 600 it, then replace it by rotation`,
      )
    }
    const bytes = Buffer.alloc(largest)
    const { bytesRead } = await file.read(bytes, 0, largest, 0)
    const opened = kekFromText(bytes.toString('latin1', 0, bytesRead), `the key file ${path}`)
    bytes.fill(0)
    return opened
  } finally {
    await file.close()
  }
}

/**
 * Makes a key file with a new key; `exists` where there is a file already, which is left as it is. Durable once it
 * returns, so that nothing is ever sealed under a key that a crash takes away. To be called only where the database
 * holds nothing sealed yet: a key file that is missing beside sealed data is a loss to be told of, not made up for.
 */
export async function createKekFile(
  path: string,
): Promise<KekOpened | KekRefusal | { readonly ok: false; readonly reason: 'exists' }> {
  // Written aside and then linked, which fails where the name is taken, so that no half-written file has the name.
  const temporary = `${path}.new-${randomBytes(8).toString('hex')}`
  try {
    const file = await fs.open(temporary, 'wx', 0o600)
    try {
      await file.chmod(0o600)
      await file.writeFile(`${generateKekText()}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.link(temporary, path)
  } catch (error) {
    const code = errorCode(error)
    if (code === 'EEXIST') return { ok: false, reason: 'exists' }
    return refuse('permissions', `the key file ${path} cannot be made (${code ?? 'unknown error'})`)
  } finally {
    await fs.rm(temporary, { force: true })
  }
  const directory = await fs.open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
  return readKekFile(path)
}

function refuse(reason: KekRefusal['reason'], detail: string): KekRefusal {
  return { ok: false, reason, detail }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

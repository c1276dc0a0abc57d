/**
 * Files that hold a secret on the operator's machine. An agent often runs on the same machine, and files are what agents
 * read: a file that anyone but its owner can open is refused instead of used. What is checked is what was opened (fstat),
 * not what the path named a moment before.
 */
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { usage } from './failure.ts'

const largest = 65_536

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/** Whether others than its owner, who must be who runs this, may do anything with it. Undefined where all is well. */
export async function tooWide(
  handle: FileHandle,
  own: number | undefined = process.getuid?.(),
): Promise<string | undefined> {
  // Windows keeps no such bits.
  if (own === undefined) return undefined
  const { mode, uid } = await handle.stat()
  if (uid !== own) return 'it belongs to another user'
  if ((mode & 0o077) !== 0)
    return `others may open it (mode ${(mode & 0o777).toString(8).padStart(4, '0')})`
  return undefined
}

/**
 * The text of a file that holds a secret; undefined where there is none. Throws where others may read it, or where it is
 * a link and `follow` is false.
 */
export async function readPrivate(
  path: string,
  what: string,
  options: { readonly follow: boolean },
): Promise<string | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | (options.follow ? 0 : constants.O_NOFOLLOW))
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP')
      throw usage(`${what} ${path} is a symbolic link, and is not followed. Remove it.`)
    throw usage(`${what} ${path} cannot be opened${code === undefined ? '' : ` (${code})`}.`)
  }
  try {
    const wide = await tooWide(handle)
    if (wide !== undefined) {
      throw usage(`${what} ${path} is not used: ${wide}.`, `Close it with:  chmod 600 ${path}`)
    }
    const stat = await handle.stat()
    if (!stat.isFile() && !stat.isFIFO())
      throw usage(`${what} ${path} is neither a file nor a pipe.`)
    const text = await handle.readFile('utf8')
    if (text.length > largest) throw usage(`${what} ${path} is longer than such a file can be.`)
    return text
  } finally {
    await handle.close()
  }
}

/** Without the one line end that editors and `echo` put there. */
export function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '')
}

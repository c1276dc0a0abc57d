/** Files that describe a provider: a description, a manifest, a review. They hold no secret; they may be large. */
import { open } from 'node:fs/promises'
import { parse } from 'yaml'
import { usage } from './failure.ts'

/** In bytes. */
const largest = 64 * 1024 * 1024

export async function readText(flag: string, path: string): Promise<string> {
  const cannot = (why: string) => usage(`The file of ${flag} cannot be read: ${why}.`)
  let handle
  try {
    handle = await open(path, 'r')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw cannot(code === 'ENOENT' ? 'it is not there' : code)
  }
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw cannot('it is no file')
    if (stat.size > largest) throw cannot(`it is larger than ${String(largest)} bytes`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

/** JSON or YAML. */
export async function readObject(flag: string, path: string): Promise<unknown> {
  const text = await readText(flag, path)
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' }) as unknown
  } catch {
    throw usage(`The file of ${flag} is neither JSON nor YAML that can be read.`)
  }
}

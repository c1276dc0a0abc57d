/**
 * The bearer of fifteen minutes, between one command and the next: one file, 0600, in a directory of its own, 0700. A
 * stored sign-in is sent to the broker that it came from and to no other, whatever VALETKEY_URL says by then.
 */
import { constants } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { usage } from './failure.ts'
import { readPrivate, tooWide } from './private-file.ts'

export type SignIn = {
  /** The broker's origin. */
  readonly url: string
  readonly name: string
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** They have no password: an identity provider stands behind them. */
  readonly byProvider?: true
}

export type StoredSignIn =
  | { readonly kind: 'found'; readonly signIn: SignIn }
  | { readonly kind: 'none' }
  | { readonly kind: 'expired'; readonly signIn: SignIn }
  | { readonly kind: 'other_broker'; readonly signIn: SignIn }

const fileName = 'sign-in.json'

/** Where the file is kept. */
export function configHome(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['VALETKEY_CONFIG_HOME']
  if (own !== undefined && own !== '') return path.resolve(own)
  // The XDG specification: a relative path is to be ignored.
  const xdg = env['XDG_CONFIG_HOME']
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'valetkey')
  const home = env['HOME'] ?? env['USERPROFILE']
  if (home === undefined || home === '')
    throw usage('There is no HOME to keep the sign-in in. Set VALETKEY_CONFIG_HOME.')
  return path.join(home, '.config', 'valetkey')
}

async function checkDirectory(directory: string): Promise<boolean> {
  let handle
  try {
    handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw usage(`The directory ${directory}, where the sign-in is kept, cannot be opened.`)
  }
  try {
    const wide = await tooWide(handle)
    if (wide !== undefined) {
      throw usage(
        `The directory ${directory} is not used: ${wide}.`,
        `Close it with:  chmod 700 ${directory}`,
      )
    }
    return true
  } finally {
    await handle.close()
  }
}

export async function saveSignIn(directory: string, signIn: SignIn): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await checkDirectory(directory)
  const file = path.join(directory, fileName)
  const fresh = `${file}.${String(process.pid)}`
  // Made anew with its permissions (wx), then put in place at once: an old file's permissions are never inherited.
  await rm(fresh, { force: true })
  await writeFile(fresh, `${JSON.stringify(signIn)}\n`, { mode: 0o600, flag: 'wx' })
  await rename(fresh, file)
}

export async function readSignIn(
  directory: string,
  url: string,
  now: number,
): Promise<StoredSignIn> {
  if (!(await checkDirectory(directory))) return { kind: 'none' }
  const text = await readPrivate(path.join(directory, fileName), 'The sign-in file', {
    follow: false,
  })
  const signIn = text === undefined ? undefined : parse(text)
  if (signIn === undefined) return { kind: 'none' }
  if (signIn.url !== url) return { kind: 'other_broker', signIn }
  if (signIn.expiresAt <= now) return { kind: 'expired', signIn }
  return { kind: 'found', signIn }
}

/** Deletes what is stored; says whether there was anything. */
export async function deleteSignIn(directory: string): Promise<boolean> {
  try {
    await rm(path.join(directory, fileName))
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw usage(`The sign-in in ${directory} could not be deleted.`)
  }
}

/** What cannot be read is as good as none: it is written anew at the next login. */
function parse(text: string): SignIn | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { url, name, token, expiresAt, byProvider } = value as Record<string, unknown>
  if (
    typeof url !== 'string' ||
    typeof name !== 'string' ||
    typeof token !== 'string' ||
    typeof expiresAt !== 'number'
  )
    return undefined
  // A header value: nothing that could bring a second header along.
  if (!/^[A-Za-z0-9._-]+$/.test(token)) return undefined
  const signIn = { url, name, token, expiresAt }
  return byProvider === true ? { ...signIn, byProvider } : signIn
}

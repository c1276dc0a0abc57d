/**
 * Replacing the key file. Guarantees, against a crash at any moment of a rotation: the key that the database knows is
 * on disk, in the file or beside it, and the next start finds it. The order is: the new key is durable as `<file>.new`;
 * the database changes over in one transaction; `<file>.new` takes the file's name. Which of the two is the right one
 * is never guessed: the database's own check tells.
 */
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { createKekFile, readKekFile } from './kek-file.ts'
import type { Kek, KekOpened, KekRefusal } from './kek.ts'
import { recognise, type RegisteredKek } from './vault.ts'

const nextOf = (path: string): string => `${path}.new`

/** Where the key that was replaced is kept: backups made under it open with nothing else. */
export const formerOf = (path: string, kekId: string): string => `${path}.${kekId.slice(0, 8)}.old`

/**
 * The key in the file at `path`. Where that is not the one that the database knows, but `<path>.new` is, a rotation was
 * broken off after its last step but one, which is done now.
 */
export async function readRegisteredKekFile(
  path: string,
  registered: RegisteredKek | undefined,
): Promise<KekOpened | KekRefusal> {
  const read = await readKekFile(path)
  if (registered === undefined || (read.ok && (await recognise(read.kek, registered)))) return read
  const next = await readKekFile(nextOf(path))
  if (!next.ok) return read
  if (!(await recognise(next.kek, registered))) {
    next.kek.destroy()
    return read
  }
  if (read.ok) {
    await adoptNextKek(path, read.kek.id)
    read.kek.destroy()
  } else if (read.reason === 'missing') await adoptNextKek(path, undefined)
  return next
}

/**
 * A new key, durable beside the file it is to replace. To be called by one process at a time, and only while the key
 * that the database knows is at hand: what an earlier attempt left beside the file is removed.
 */
export async function prepareNextKek(path: string): Promise<KekOpened | KekRefusal> {
  const next = nextOf(path)
  await fs.rm(next, { force: true })
  const made = await createKekFile(next)
  if (made.ok || 'detail' in made) return made
  return { ok: false, reason: 'permissions', detail: `somebody else is making ${next}` }
}

/** Puts the new key in the file's place, durably; the former one is kept beside it under its id. Idempotent. */
export async function adoptNextKek(path: string, formerId: Kek['id'] | undefined): Promise<void> {
  if (formerId !== undefined) {
    await fs.link(path, formerOf(path, formerId)).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
  }
  try {
    await fs.rename(nextOf(path), path)
  } catch (error) {
    // A broker that was just started has done it already.
    if (!hasCode(error, 'ENOENT')) throw error
  }
  const directory = await fs.open(dirname(path), 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

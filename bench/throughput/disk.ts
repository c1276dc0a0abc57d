/** Where the bench keeps its database: on a disk. In memory `fsync` costs nothing, and the comparison would be a gift. */
import { access, constants, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'

/** Linux's `statfs(2)`: TMPFS_MAGIC, RAMFS_MAGIC. Elsewhere no folder of these is in memory. */
const inMemory = new Set([0x01021994, 0x858458f6])

/** The temporary folder, or the one that outlives a restart. Throws where both are in memory. */
export async function folderOnDisk(): Promise<string> {
  const candidates = [tmpdir(), '/var/tmp']
  for (const folder of candidates) {
    const usable = await access(folder, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    )
    if (usable && !inMemory.has((await statfs(folder)).type)) return folder
  }
  throw new Error(
    `${candidates.join(' and ')} are in memory or cannot be written, and nothing is durable there: set TMPDIR to a folder on a disk`,
  )
}

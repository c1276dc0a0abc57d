/** What the tests of the data directory and the cluster share: directories that go away, and servers that end. */
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Client } from 'pg'
import { startCluster, type Cluster, type ClusterOptions } from '../../src/db/cluster.ts'
import { openDataDir, type DataDir } from '../../src/db/data-dir.ts'

export const root = process.geteuid?.() === 0
export const onlyRoot = root ? false : 'only root runs the server as another user'
export const onlyProc = process.platform === 'linux' ? false : 'needs /proc'

/** Hooks run in the order they were given: a server must have ended before its directory goes, or it writes into it anew. */
const servers = new WeakMap<TestContext, Cluster[]>()

/** A directory that every user may pass through, so that root's server can be in it. The system's own /tmp: TMPDIR may be private. */
export async function temporary(t: TestContext, mode = 0o755): Promise<string> {
  const directory = await mkdtemp(join(await realpath('/tmp'), 'vk-test-'))
  await chmod(directory, mode)
  t.after(async () => {
    for (const server of servers.get(t) ?? []) await server.stop()
    await rm(directory, { recursive: true, force: true })
  })
  return directory
}

export async function openTestDataDir(t: TestContext, path?: string): Promise<DataDir> {
  const opened = await openDataDir(path ?? join(await temporary(t), 'data'))
  if (!opened.ok) throw new Error(opened.detail)
  t.after(opened.dataDir.release)
  return opened.dataDir
}

/** Whether the process still runs. One that has ended and waits for its parent's notice does not. */
export async function running(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  return stat !== '' && !/\) [ZX] /.test(stat)
}

/** Collects what is logged, for the tests that ask what the operator was told. */
export function recordingLog(): ClusterOptions['log'] & { readonly lines: string[] } {
  const lines: string[] = []
  const push = (message: string) => void lines.push(message)
  return { lines, info: push, warn: push, error: push }
}

export async function startTestCluster(
  t: TestContext,
  dataDir: DataDir,
  options: Partial<ClusterOptions> = {},
): Promise<Cluster> {
  const started = await startCluster({ dataDir, log: recordingLog(), ...options })
  if (!started.ok) throw new Error(`${started.reason}: ${started.detail}`)
  servers.set(t, [...(servers.get(t) ?? []), started.cluster])
  t.after(started.cluster.stop)
  return started.cluster
}

export async function query(
  { connection }: Pick<Cluster, 'connection'>,
  text: string,
  values: readonly unknown[] = [],
  user: string = connection.user,
): Promise<readonly unknown[][]> {
  const client = new Client({
    host: connection.directory,
    port: connection.port,
    database: connection.database,
    user,
    ssl: false,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const result = await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' })
    return result.rows
  } finally {
    await client.end()
  }
}

/** What the tests of the keeper's commands share: a configuration for a test database, and a desk that remembers. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { readConfig, type Config } from '../../src/config.ts'
import type { Connection } from '../../src/db/open.ts'
import type { Desk } from '../../src/keeper/open.ts'

/** The same database as a URL, as an operator would give it. */
export function urlOf(connection: Connection): string {
  if (connection.kind === 'url') return connection.url
  const url = new URL(`postgres://${connection.user}@localhost/${connection.database}`)
  url.searchParams.set('host', connection.directory)
  url.searchParams.set('port', String(connection.port))
  return url.href
}

export function configFor(
  connection: Connection,
  variables: Readonly<Record<string, string>>,
): Config {
  return readConfig({ DATABASE_URL: urlOf(connection), ...variables })
}

export function kekText(key: Buffer): string {
  return `valetkey-kek-1:${key.toString('base64url')}`
}

export async function privateDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'vk-keeper-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function writeKekFile(path: string, key: Buffer): Promise<void> {
  await writeFile(path, `${kekText(key)}\n`, { mode: 0o600 })
  await chmod(path, 0o600)
}

/** Answers the hidden questions in turn, and keeps what was said. */
export function recordingDesk(
  ...answers: readonly string[]
): Desk & { readonly lines: string[]; readonly asked: string[] } {
  const lines: string[] = []
  const asked: string[] = []
  return {
    lines,
    asked,
    out: (line) => void lines.push(line),
    hidden: (label) => Promise.resolve(answers[asked.push(label) - 1]),
  }
}

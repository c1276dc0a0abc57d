/** Looks for a secret in all that could hold it, in every spelling that it is likely to be left in. */
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import pg from 'pg'
import { poolConfig, type Connection } from '../../src/db/open.ts'

export type Needle = { readonly as: string; readonly bytes: Buffer }

/** A secret as it is, and as encodings leave it, wherever in an encoded text it stands. */
export function spellings(secret: string): readonly Needle[] {
  const bytes = Buffer.from(secret)
  const json = JSON.stringify(secret).slice(1, -1)
  const texts: [string, string][] = [
    ['plain', secret],
    ['URL', encodeURIComponent(secret)],
    ['JSON', json],
    ['JSON', json.replaceAll('/', '\\/')],
    ['hex', bytes.toString('hex')],
    ['hex', bytes.toString('hex').toUpperCase()],
  ]
  for (const offset of [0, 1, 2]) {
    // What stands before and after the secret in the same text changes the characters at both ends.
    const whole = Buffer.concat([Buffer.alloc(offset), bytes])
    const encoded = whole.toString('base64').replaceAll('=', '')
    const inner = encoded.slice(
      offset === 0 ? 0 : offset + 1,
      whole.length % 3 === 0 ? undefined : -1,
    )
    texts.push(['base64', inner], ['base64url', inner.replaceAll('+', '-').replaceAll('/', '_')])
  }
  const needles = texts.map(([as, text]) => ({ as, bytes: Buffer.from(text) }))
  needles.push({ as: 'UTF-16', bytes: Buffer.from(secret, 'utf16le') })
  return needles
}

/** The first spelling that is there. */
export function findIn(text: Buffer | string, needles: readonly Needle[]): string | undefined {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return needles.find((needle) => bytes.includes(needle.bytes))?.as
}

export type Searched = {
  readonly count: number
  readonly bytes: number
  /** Where it was found, and in which spelling. */
  readonly found: readonly string[]
}

/** Every regular file below a directory, read whole. A file that cannot be read fails the search. */
export async function searchFiles(
  directory: string,
  needles: readonly Needle[],
): Promise<Searched> {
  const found: string[] = []
  let count = 0
  let bytes = 0
  for (const name of await readdir(directory, { recursive: true })) {
    const path = join(directory, name)
    if (!(await lstat(path)).isFile()) continue
    const content = await readFile(path)
    count++
    bytes += content.length
    const as = findIn(content, needles) ?? findIn(name, needles)
    if (as !== undefined) found.push(`${relative(directory, path)} (${as})`)
  }
  return { count, bytes, found }
}

export type SearchedTables = Searched & { readonly tables: number }

/** Every row of every table, as text: PostgreSQL may keep a long value compressed, where no search of files sees it. */
export async function searchTables(
  connection: Connection,
  needles: readonly Needle[],
): Promise<SearchedTables> {
  const client = new pg.Client(poolConfig(connection, 1))
  client.on('error', () => undefined)
  await client.connect()
  try {
    const tables = await client.query<{ schema: string; name: string }>(
      `select table_schema as schema, table_name as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
       order by 1, 2`,
    )
    const found: string[] = []
    let count = 0
    let bytes = 0
    for (const { schema, name } of tables.rows) {
      const from = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`
      const rows = await client.query<{ text: string }>(`select t::text as text from ${from} as t`)
      for (const { text } of rows.rows) {
        count++
        bytes += text.length
        const as = findIn(text, needles)
        if (as !== undefined) found.push(`${name} (${as})`)
      }
    }
    return { count, bytes, found, tables: tables.rows.length }
  } finally {
    await client.end()
  }
}

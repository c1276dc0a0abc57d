/**
 * The form of a backup: JSON Lines (UTF-8, one JSON object a line, each ended by a line feed).
 *
 * ```
 * {"format":"valetkey-backup","version":1,"valetkey":"0.1.0","made_at":"…","migrations":["0001_…",…],
 *  "kek":{"id":"…","source":"file"} or null,"tables":[{"name":"operator","columns":["id",…]},…]}
 * {"table":"operator","row":{…}}                 one for each row, as PostgreSQL's row_to_json writes it
 * {"end":true,"rows":{"operator":1,…},"sha256":"…"}    over every byte before this line
 * ```
 *
 * Secrets are in it as in the database: sealed. The hash finds damage and truncation, not malice: whoever can write to
 * a backup can write what they like, as whoever can write to the database can. Keep it as you keep the database.
 */
import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { StartError } from '../storage.ts'

export const formatName = 'valetkey-backup'
export const formatVersion = 1

const Header = Type.Object(
  {
    format: Type.Literal(formatName),
    version: Type.Literal(formatVersion),
    valetkey: Type.String(),
    made_at: Type.String(),
    migrations: Type.Array(Type.String(), { minItems: 1 }),
    kek: Type.Union([Type.Null(), Type.Object({ id: Type.String(), source: Type.String() })]),
    tables: Type.Array(Type.Object({ name: Type.String(), columns: Type.Array(Type.String()) })),
  },
  { additionalProperties: false },
)
const Row = Type.Object(
  { table: Type.String(), row: Type.Record(Type.String(), Type.Unknown()) },
  { additionalProperties: false },
)
const Trailer = Type.Object(
  {
    end: Type.Literal(true),
    rows: Type.Record(Type.String(), Type.Number()),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  },
  { additionalProperties: false },
)

export type Header = Static<typeof Header>
export type BackupRow = Static<typeof Row>
export type Trailer = Static<typeof Trailer>

export type BackupReader = {
  readonly header: Header
  /** Each row with the very line it stands on. Throws a `StartError` at the end where the whole is not whole. */
  rows(): AsyncGenerator<{ readonly line: string; readonly parsed: BackupRow }>
  /** Once all rows were read. */
  trailer(): Trailer
}

/** No line is near this size, in bytes: whatever has one is another file. */
const longestLine = 64 * 1024 * 1024

/** Reads the backup from its beginning; can be called again on the same file. */
export async function readBackup(file: FileHandle): Promise<BackupReader> {
  const hash = createHash('sha256')
  const lines = linesOf(file, hash)
  const first = await lines.next()
  if (first.done === true) throw damaged('it is empty')
  const header = readHeader(first.value.text)
  let trailer: Trailer | undefined
  return {
    header,
    trailer() {
      if (trailer === undefined) throw new Error('the rows have not been read')
      return trailer
    },
    async *rows() {
      const counts = new Map(header.tables.map(({ name }) => [name, 0]))
      for await (const { text, hashBefore } of lines) {
        if (trailer !== undefined) throw damaged('something follows its end')
        const value = parse(text)
        if (Value.Check(Trailer, value)) {
          if (hashBefore !== value.sha256) throw damaged('its hash does not match')
          trailer = value
          continue
        }
        if (!Value.Check(Row, value)) throw damaged('a line of it is neither a row nor the end')
        const count = counts.get(value.table)
        if (count === undefined)
          throw damaged('it has a row of a table that its header does not name')
        counts.set(value.table, count + 1)
        yield { line: text, parsed: value }
      }
      if (trailer === undefined) throw damaged('it ends too early')
      for (const [name, count] of counts)
        if (trailer.rows[name] !== count) throw damaged(`rows of ${name} are missing`)
    },
  }
}

function readHeader(text: string): Header {
  const value = parse(text)
  const { format, version } = (typeof value === 'object' ? (value ?? {}) : {}) as Partial<Header>
  if (format !== formatName) throw new StartError('that file is not a backup made by Valetkey')
  if (typeof version === 'number' && version > formatVersion)
    throw new StartError(
      `the backup has format ${String(version)}; this version of Valetkey reads up to ${String(formatVersion)}. Use the version that wrote it, or a newer one`,
    )
  if (!Value.Check(Header, value)) throw damaged('its header is not complete')
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw damaged('a line of it is not JSON')
  }
}

function damaged(how: string): StartError {
  return new StartError(`the backup is damaged: ${how}; nothing was restored`)
}

/** Line by line. Not node:readline, which also parts at U+2028, which JSON leaves as it is inside strings. */
async function* linesOf(
  file: FileHandle,
  hash: Hash,
): AsyncGenerator<{ readonly text: string; readonly hashBefore: string | undefined }> {
  let rest: Buffer[] = []
  let size = 0
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(262_144), 0, 262_144, position)
    if (bytesRead === 0) break
    position += bytesRead
    let chunk = buffer.subarray(0, bytesRead)
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10)) {
      const line = Buffer.concat([...rest, chunk.subarray(0, end + 1)])
      rest = []
      size = 0
      chunk = chunk.subarray(end + 1)
      const text = line.toString('utf8', 0, line.length - 1)
      // Only the last line holds a hash; a copy of the running one for each line would be wasteful.
      const hashBefore = text.startsWith('{"end"') ? hash.copy().digest('hex') : undefined
      yield { text, hashBefore }
      hash.update(line)
    }
    rest.push(chunk)
    size += chunk.length
    if (size > longestLine) throw damaged('a line of it is too long')
  }
  if (size > 0) throw damaged('its last line is cut off')
}

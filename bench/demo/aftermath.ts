/** After the story: the real token is looked for in everything that is left, and then nothing is left. */
import { access, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { poolConfig, type Connection } from '../../src/db/open.ts'
import { openStored } from './broker-process.ts'
import {
  findIn,
  searchFiles,
  searchTables,
  spellings,
  type Needle,
  type SearchedTables,
} from './search.ts'
import type { Props, Stage } from './stage.ts'
import type { Told } from './story.ts'
import type { Teller } from './teller.ts'

export async function searchEverything(
  story: Teller,
  props: Props,
  stage: Stage,
  told: Told,
  { sabotage }: { readonly sabotage: boolean },
): Promise<void> {
  const { broker, dataDir, secret } = stage
  const needles = spellings(secret)
  const control = spellings(told.credentialName)
  if (sabotage)
    await writeFile(join(dataDir, 'log', 'forgotten'), Buffer.from(secret).toString('hex'))

  const kinds = [...new Set(needles.map((needle) => needle.as))]
  story.scene(9, `The real token, looked for everywhere (${kinds.join(', ')})`)
  const answers = told.received.filter((text) => findIn(text, needles) !== undefined)
  story.check(
    answers.length === 0,
    `in none of the ${count(told.received.length)} answers that came`,
    {
      expected: 'none',
      came: `${String(answers.length)} of them`,
    },
  )

  const code = await broker.stop()
  story.check(code === 0, 'the broker ends in good order', {
    expected: 'exit code 0',
    came: `exit code ${String(code)}: ${broker.output().slice(-500)}`,
  })
  const lines = broker.output().split('\n')
  const logged = lines.flatMap((line) => findIn(line, needles) ?? [])
  story.check(logged.length === 0, `in none of the ${count(lines.length)} lines that it wrote`, {
    expected: 'none',
    came: logged.join(', '),
  })

  const files = await searchFiles(dataDir, needles)
  const megabytes = Math.round(files.bytes / 1e6)
  story.check(
    files.found.length === 0,
    `in none of its ${count(files.count)} files (${count(megabytes)} MB), PostgreSQL’s own among them`,
    { expected: 'none', came: files.found.join(', ') },
  )
  const [tables, known] = await searchStored(
    props,
    dataDir,
    needles,
    control,
    sabotage ? secret : undefined,
  )
  story.check(
    tables.found.length === 0,
    `in none of the ${count(tables.count)} rows of its ${count(tables.tables)} tables`,
    { expected: 'none', came: tables.found.join(', ') },
  )
  story.check(findIn(story.printed(), needles) === undefined, 'nor in anything that stands above')

  const seen = await searchFiles(dataDir, control)
  story.check(
    seen.found.length > 0 && known.found.length > 0,
    `(the search can find: the name of the token, which is no secret, is in ${count(seen.found.length)} files)`,
    {
      expected: 'some',
      came: `${count(seen.found.length)} files, ${count(known.found.length)} rows`,
    },
  )
}

async function searchStored(
  props: Props,
  dataDir: string,
  needles: readonly Needle[],
  control: readonly Needle[],
  planted: string | undefined,
): Promise<[SearchedTables, SearchedTables]> {
  const storage = await openStored(dataDir)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= storage.close())
  await props.keep(close)
  try {
    if (planted !== undefined) await plant(storage.connection, planted)
    return [
      await searchTables(storage.connection, needles),
      await searchTables(storage.connection, control),
    ]
  } finally {
    await close()
  }
}

/** For `--sabotage`: leaves the secret in a table. */
async function plant(connection: Connection, secret: string): Promise<void> {
  const client = new pg.Client(poolConfig(connection, 1))
  await client.connect()
  try {
    await client.query('create table forgotten as select $1::text as note', [secret])
  } finally {
    await client.end()
  }
}

/** Nothing that was started runs, and nothing that was written is there. */
export async function checkClean(story: Teller, stage: Stage): Promise<void> {
  const { base } = stage
  const gone = await access(base).then(
    () => false,
    () => true,
  )
  const ended = !isRunning(stage.broker.postgres)
  story.check(gone && ended, 'and now its PostgreSQL has ended, and its directory is gone', {
    expected: 'no process and no directory',
    came: `${gone ? 'no directory' : base}, ${ended ? 'no process' : `process ${String(stage.broker.postgres)}`}`,
  })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function count(n: number): string {
  return n.toLocaleString('en')
}

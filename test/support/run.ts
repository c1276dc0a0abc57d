/**
 * `npm test`: the test files in groups, each group a process, all on one PostgreSQL. Guarantees: every file
 * is run to its end or named as one that was not, and the exit code is 0 only where each ended and no test failed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { scratch, startTestCluster, variable } from './cluster.ts'
import { fate } from './file-journal.ts'
import { groupsOf } from './groups.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => path.join(root, file))
  .sort()
const asked = process.argv.slice(2)
const chosen =
  asked.length === 0 ? files : files.filter((file) => asked.some((part) => file.includes(part)))
if (chosen.length === 0) {
  process.stderr.write('no test file matches\n')
  process.exit(1)
}

// To strip the types from our sources again in each process takes as long as many a test.
const compiled = path.join(root, '../node_modules/.cache/compiled')
const folder = mkdtempSync(path.join(tmpdir(), 'valetkey-groups-'))
const temporary = await scratch()
const cluster = await startTestCluster()

type Group = {
  readonly files: readonly string[]
  readonly program: string
  readonly journal: string
}

/** With the program that Node's test runner takes for a test file. The runner takes them in the order of their names. */
function prepared(group: readonly string[], round: number, index: number): Group {
  const first = path.relative(root, group[0] ?? '').replaceAll(path.sep, '-')
  const name = `${round}-${String(index).padStart(4, '0')}-from-${first}`
  const program = path.join(folder, `${name}.mjs`)
  const journal = path.join(folder, `${name}.journal`)
  const source = new URL('file-group.ts', import.meta.url).href
  writeFileSync(
    program,
    `import { runGroup } from ${JSON.stringify(source)}\n` +
      `await runGroup(${JSON.stringify(group)}, ${JSON.stringify(journal)})\n`,
  )
  writeFileSync(journal, '')
  return { files: group, program, journal }
}

/** One more at a time than there are processors: the tests of faults mostly wait. */
async function run(groups: readonly Group[]): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--test',
      `--test-concurrency=${availableParallelism() + 1}`,
      ...groups.map(({ program }) => program),
    ],
    {
      stdio: 'inherit',
      env: {
        NODE_COMPILE_CACHE: compiled,
        ...process.env,
        TMPDIR: temporary,
        [variable]: JSON.stringify(cluster.connection),
      },
    },
  )
  return new Promise((resolve) => child.on('exit', (status) => resolve(status ?? 1)))
}

let code = 0
const broken = new Map<string, string>()
let groups = groupsOf(chosen, root).map((group, i) => prepared(group, 0, i))
for (let round = 1; groups.length > 0; round++) {
  code = (await run(groups)) || code
  const again: string[] = []
  for (const { files: group, journal } of groups) {
    const { open, hung, rest } = fate(journal, group)
    if (open !== undefined)
      broken.set(open, hung ? 'it hung, and was ended' : 'it ended its process')
    // A process that ended before its first file would do so again.
    if (rest.length < group.length) again.push(...rest)
    else for (const file of rest) broken.set(file, 'its process did not come to it')
  }
  groups = groupsOf(again, root).map((group, i) => prepared(group, round, i))
}
for (const [file, why] of broken)
  process.stderr.write(`✖ ${path.relative(process.cwd(), file)} was not run to its end: ${why}\n`)
await cluster.stop()
rmSync(folder, { recursive: true, force: true })
process.exit(broken.size > 0 ? code || 1 : code)

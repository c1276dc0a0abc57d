/** `npm test`: every test file in a process of its own, two at a time, all on one PostgreSQL. */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { startTestCluster, variable } from './cluster.ts'

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

// To strip the types from our sources again in each of some hundred processes takes as long as many a test.
const compiled = path.join(root, '../node_modules/.cache/compiled')

const cluster = await startTestCluster()
const child = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', ...chosen],
  {
    stdio: 'inherit',
    env: {
      NODE_COMPILE_CACHE: compiled,
      ...process.env,
      [variable]: JSON.stringify(cluster.connection),
    },
  },
)
const code = await new Promise<number>((resolve) =>
  child.on('exit', (status) => resolve(status ?? 1)),
)
await cluster.stop()
process.exit(code)

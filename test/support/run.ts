/** `npm test`: every test file, on as many processes as the machine has cores, all on one PostgreSQL. */
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

const cluster = await startTestCluster()
const child = spawn(
  process.execPath,
  ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', ...chosen],
  { stdio: 'inherit', env: { ...process.env, [variable]: JSON.stringify(cluster.connection) } },
)
const code = await new Promise<number>((resolve) =>
  child.on('exit', (status) => resolve(status ?? 1)),
)
await cluster.stop()
process.exit(code)

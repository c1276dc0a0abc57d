/**
 * `npm run conformance`: the shared cases against a running broker. Exit code 0 only if every allow case was allowed, no
 * deny case was forwarded, and the invariants held in all of them.
 */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { casesPresent, fileNames, sharedCases } from './cases.ts'
import { runConformance } from './run.ts'

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: sharedCases },
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
    idle: { type: 'string', default: '2000' },
    flood: { type: 'string', default: '5000' },
  },
})
const directory = path.resolve(values.cases)
if (!casesPresent(directory)) {
  process.stderr.write(`there are no cases in ${directory}; say where they are with --cases DIR\n`)
  process.exit(1)
}

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const run = await runConformance({
  cases: directory,
  idle: Number(values.idle),
  mostInFlood: Number(values.flood),
  ...(values.only === undefined ? {} : { only: values.only }),
  onResult(result) {
    const { id, status, notes, expected, observed, limit } = result
    if (status === 'failed') {
      print(`FAIL ${id}: ${notes.join('; ')}`)
      print(`     expected ${JSON.stringify(expected)}, observed ${JSON.stringify(observed)}`)
    } else if (status === 'skipped') print(`skip ${id}: ${notes.join('; ')}`)
    else if (limit === true) print(`note ${id}: a limit that docs/conformance.md states`)
  },
})
for (const problem of run.problems) print(`FAIL ${problem}`)
for (const choice of run.unstated) print(`note ${choice}, which docs/conformance.md does not state`)
print(`note floods were sent up to ${values.flood}; all of one with --flood 100000`)

print('')
const count = (status: string, file?: string): string =>
  String(run.results.filter((r) => r.status === status && (file ?? r.file) === r.file).length)
const summary = (name: string, file?: string): void =>
  print(
    `${name.padEnd(16)}${count('passed', file)} passed, ${count('failed', file)} failed, ${count('skipped', file)} skipped`,
  )
for (const file of fileNames) summary(file, file)
summary('overall')

if (values.json !== undefined) {
  const cases = run.results.map(({ upstream, ...rest }) => ({
    ...rest,
    upstreamRequests: upstream,
  }))
  writeFileSync(values.json, `${JSON.stringify({ cases, problems: run.problems }, null, 2)}\n`)
}
// What is left open by a failed case must not keep the process.
process.exit(run.problems.length === 0 && count('failed') === '0' && run.results.length > 0 ? 0 : 1)

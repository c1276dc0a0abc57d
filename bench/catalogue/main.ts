/**
 * `npm run catalogue:report`: of every provider that ships, what its catalogue holds and what its description has. Ends
 * with an error where the two are not equally many. `--verbose` names what is denied for want of review.
 */
import { effects } from '../../src/core/operation.ts'
import { plain } from '../../src/provider/compile/report.ts'
import { shippedProviders } from '../../src/provider/registry.ts'
import type { Part } from './part.ts'
import { partsOf } from './parts.ts'

const verbose = process.argv.includes('--verbose')
const wrong: string[] = []
const say = (line: string): void => void process.stdout.write(`${line}\n`)

for (const adapter of shippedProviders().values()) {
  say(`${adapter.name}  catalogue ${adapter.catalogueVersion.slice(0, 16)}`)
  const parts = await partsOf(adapter)
  for (const part of parts) tell(part)
  const listed = [...adapter.operations()].filter(({ name }) => !name.startsWith('__')).length
  const compiled = parts.reduce((sum, { operations }) => sum + operations.length, 0)
  if (listed !== compiled)
    wrong.push(
      `${adapter.name} lists ${String(listed)} operations, of ${String(compiled)} compiled`,
    )
}

function tell(part: Part): void {
  const { title, source, described, operations, ids, unreviewed } = part
  say(`  ${title}  from ${plain(source, 120)}`)
  say(
    `    operations: ${described === undefined ? '—' : String(described)} in the description, ${String(operations.length)} in the catalogue`,
  )
  const counts = effects.map(
    (effect) =>
      `${effect} ${String(operations.filter((one) => one.effects.includes(effect)).length)}`,
  )
  say(`    effects: ${counts.join(', ')}`)
  for (const [key, count] of [...ids].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    say(`    ids: ${key}  (${String(count)})`)
  const denied = operations.filter((one) => one.denied !== undefined).length
  say(
    `    denied: ${String(denied - unreviewed.length)} by review, ${String(unreviewed.length)} for want of review`,
  )
  if (verbose)
    for (const one of unreviewed)
      say(`      ${plain(one.name, 200)}: ${plain(one.denied ?? '', 200)}`)
  if (described !== undefined && described !== operations.length)
    wrong.push(
      `${title} has ${String(described)} operations in its description and ${String(operations.length)} in its catalogue`,
    )
}

for (const line of wrong) process.stderr.write(`wrong: ${line}\n`)
process.exitCode = wrong.length === 0 ? 0 : 1

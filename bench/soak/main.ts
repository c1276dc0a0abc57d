/** `npm run soak`: a hundred rounds of kill -9 under load, or as many as `-- --rounds N` says. Exit code 0 if all held. */
import { parseArgs } from 'node:util'
import { openSoak } from './rounds.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } })
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  process.stderr.write('usage: npm run soak -- [--rounds N]\n')
  process.exit(2)
}

const started = performance.now()
const total = { sent: 0, answered: 0, forwarded: 0, unknown: 0, violations: 0 }
const soak = await openSoak()
try {
  for (let n = 1; n <= rounds; n++) {
    const round = await soak.round(n % 2 === 0)
    total.sent += round.sent
    total.answered += round.answered
    total.forwarded += round.forwarded
    total.unknown += round.unknown
    total.violations += round.violations.length
    for (const violation of round.violations.slice(0, 10))
      process.stdout.write(`  ✗ ${violation}\n`)
    process.stdout.write(
      `round ${String(n).padStart(3)}  killed ${round.both ? 'broker and database' : 'broker             '}  ` +
        `${String(round.sent).padStart(5)} sent  ${String(round.answered).padStart(5)} answered  ` +
        `${String(round.forwarded).padStart(5)} forwarded  ${String(round.unknown).padStart(3)} closed as unknown  ` +
        `${round.violations.length === 0 ? 'holds' : 'DOES NOT HOLD'}\n`,
    )
  }
} finally {
  await soak.close()
}
const seconds = Math.round((performance.now() - started) / 1000)
process.stdout.write(
  `\n${String(rounds)} rounds in ${String(seconds)} s: ${String(total.sent)} requests sent, ${String(total.answered)} answered, ` +
    `${String(total.forwarded)} forwarded, ${String(total.unknown)} closed as unknown; ` +
    `${total.violations === 0 ? 'every one accounted for' : `${String(total.violations)} violations`}\n`,
)
process.exitCode = total.violations === 0 ? 0 : 1

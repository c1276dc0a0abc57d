/**
 * `npm run soak`: rounds of kill -9 under load, a hundred or as many as `-- --rounds N` says; and rounds of sixty-four
 * calls that want one approval, two hundred or as many as `-- --races N` says. Exit code 0 if all held.
 */
import { parseArgs } from 'node:util'
import { openRace } from './approval-race.ts'
import { openSoak } from './rounds.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    races: { type: 'string', default: '200' },
  },
})
const rounds = Number(values.rounds)
const races = Number(values.races)
if (![rounds, races].every((n) => Number.isSafeInteger(n) && n >= 0) || rounds + races === 0) {
  process.stderr.write('usage: npm run soak -- [--rounds N] [--races N]\n')
  process.exit(2)
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const secondsSince = (started: number): string =>
  String(Math.round((performance.now() - started) / 1000))

async function kills(): Promise<boolean> {
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
      for (const violation of round.violations.slice(0, 10)) say(`  ✗ ${violation}`)
      say(
        `round ${String(n).padStart(3)}  killed ${round.both ? 'broker and database' : 'broker             '}  ` +
          `${String(round.sent).padStart(5)} sent  ${String(round.answered).padStart(5)} answered  ` +
          `${String(round.forwarded).padStart(5)} forwarded  ${String(round.unknown).padStart(3)} closed as unknown  ` +
          (round.violations.length === 0 ? 'holds' : 'DOES NOT HOLD'),
      )
    }
  } finally {
    await soak.close()
  }
  say(
    `\n${String(rounds)} rounds in ${secondsSince(started)} s: ${String(total.sent)} requests sent, ${String(total.answered)} answered, ` +
      `${String(total.forwarded)} forwarded, ${String(total.unknown)} closed as unknown; ` +
      `${total.violations === 0 ? 'every one accounted for' : `${String(total.violations)} violations`}\n`,
  )
  return total.violations === 0
}

async function raced(): Promise<boolean> {
  const started = performance.now()
  let bad = 0
  const race = await openRace()
  try {
    for (let n = 1; n <= races; n++) {
      const round = await race.round()
      const holds = round.reached === 1 && round.through === 1 && round.state === 'done'
      if (!holds) bad++
      const answers = Object.entries(round.answers).map(
        ([code, count]) => `${String(count)} ${code}`,
      )
      say(
        `race ${String(n).padStart(3)}  ${String(round.reached)} reached the provider  ${round.state}  ` +
          `${answers.sort().join(', ')}  ${holds ? 'holds' : 'DOES NOT HOLD'}`,
      )
    }
  } finally {
    await race.close()
  }
  say(
    `\n${String(races)} races in ${secondsSince(started)} s; ${bad === 0 ? 'each approval was used once' : `${String(bad)} do not hold`}`,
  )
  return bad === 0
}

const killsHold = rounds === 0 || (await kills())
const racesHold = races === 0 || (await raced())
process.exitCode = killsHold && racesHold ? 0 : 1

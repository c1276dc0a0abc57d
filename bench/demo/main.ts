/**
 * `npm run demo`: the incident of April 2026, replayed against a broker that is started for it, and checked line by
 * line. It needs nothing beforehand and leaves nothing behind. The exit code is 0 only if every line came out as it
 * should. `--sabotage` breaks what it checks in several places, so that it can be seen to notice (exit code 1).
 */
import { constants } from 'node:os'
import { checkClean, searchEverything } from './aftermath.ts'
import { createProps, type Props } from './stage.ts'
import { tell } from './story.ts'
import { createTeller, screenOf, type Teller } from './teller.ts'

const start = performance.now()
const [option, ...others] = process.argv.slice(2)
const sabotage = option === '--sabotage'
if ((option !== undefined && !sabotage) || others.length > 0) {
  process.stderr.write('usage: npm run demo [-- --sabotage]\n')
  process.exit(2)
}

const teller = createTeller(screenOf(process.stdout, process.env))
const props = createProps()

// Whatever happens, what was started is stopped: a signal, a reader that has gone away (`| head`), a mistake of ours.
let interrupted: NodeJS.Signals | undefined
const interruption = new Promise<never>((_resolve, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      interrupted ??= signal
      reject(new Error('interrupted'))
    })
  process.on('uncaughtException', reject)
})
process.stdout.on('error', () => undefined)

const whole = play(teller, props)
try {
  await Promise.race([whole, interruption])
} catch (error) {
  if (interrupted === undefined)
    teller.check(false, 'the demo ran to its end', {
      expected: 'no error',
      came: error instanceof Error ? error.message : String(error),
    })
} finally {
  await props.takeDown(whole.catch(() => undefined))
}
if (interrupted !== undefined) {
  process.stderr.write('\ninterrupted; everything that was started is stopped and removed\n')
  process.exit(128 + constants.signals[interrupted])
}
const seconds = ((performance.now() - start) / 1000).toFixed(1)
const failures = teller.failures()
teller.line('')
teller.line(
  failures === 0
    ? `   All ${String(teller.checks())} lines came out as they should, in ${seconds} s.`
    : `   ${String(failures)} of ${String(teller.checks())} lines did not come out as they should.`,
)
process.exitCode = failures === 0 ? 0 : 1

async function play(story: Teller, stageProps: Props): Promise<void> {
  story.title('Valetkey: the request that deleted PocketOS, sent again')
  story.say(
    'In April 2026 a coding agent on a staging task found a Railway token in an unrelated file and sent one request. ' +
      'Production’s data and its backups were gone in nine seconds. Here the agent has no token to find; it has Valetkey.',
  )
  const before = performance.now()
  const stage = await stageProps.open()
  const told = await tell(story, stage, { sabotage, startedIn: performance.now() - before })
  await searchEverything(story, stageProps, stage, told, { sabotage })
  await stageProps.takeDown()
  await checkClean(story, stage)
}

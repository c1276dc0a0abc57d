#!/usr/bin/env node
/** The entry of `valetkey`: the one place of the CLI that touches the process it runs in. */
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './program.ts'
import { openTerminal } from './terminal.ts'

// `valetkey audit | head` ends when head has had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

try {
  process.exitCode = await run(process.argv.slice(2), {
    terminal: openTerminal(),
    env: process.env,
    fetch,
    now: Date.now,
    sleep: (milliseconds) => sleep(milliseconds),
    stopped: () =>
      new Promise((resolve) => {
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
          process.once(signal, () => resolve())
      }),
  })
} catch (error) {
  // A defect of ours. Its stack names code; its message may quote what was typed, and is not printed.
  process.stderr.write(
    `valetkey failed unexpectedly: ${error instanceof Error ? error.name : 'unknown'}\n`,
  )
  process.exitCode = 1
}

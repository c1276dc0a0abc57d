#!/usr/bin/env node
/** The program: `serve`, and what its keeper does beside it, on the machine and with the key at hand. */
import { readConfig, type Config } from './config.ts'
import { backupCommand } from './keeper/backup.ts'
import { migrateCommand } from './keeper/migrate.ts'
import { recoverCommand } from './keeper/recover.ts'
import { restoreCommand } from './keeper/restore.ts'
import { rewrapCommand } from './keeper/rewrap.ts'
import { serve } from './serve.ts'

type Command = {
  readonly run: (config: Config, args: readonly string[]) => Promise<void>
  readonly does: string
}

const commands: Readonly<Record<string, Command>> = {
  serve: { run: (config) => serve(config), does: 'run the broker' },
  migrate: { run: migrateCommand, does: 'bring the database up to date, and end' },
  backup: { run: backupCommand, does: 'write the database, with its sealed secrets, to a file' },
  restore: { run: restoreCommand, does: 'fill an empty database from a backup' },
  rewrap: { run: rewrapCommand, does: 'change the key-encryption key' },
  recover: {
    run: recoverCommand,
    does: 'make an admin a new setup secret; needs the key-encryption key',
  },
}

const [name = 'serve', ...args] = process.argv.slice(2)
const command = commands[name]
if (command === undefined) {
  const list = Object.entries(commands).map(([known, { does }]) => `  ${known.padEnd(8)} ${does}`)
  process.stderr.write(`usage: valetkeyd COMMAND\n\n${list.join('\n')}\n`)
  process.exit(name === '--help' || name === 'help' ? 0 : 2)
}
try {
  await command.run(readConfig(), args)
} catch (error) {
  // What stands in the way is said in a sentence; only what nobody expected comes with its stack.
  const expected =
    error instanceof Error && ['StartError', 'ConfigError', 'UsageError'].includes(error.name)
  process.stderr.write(
    `${expected ? `valetkey: ${error.message}` : String(error instanceof Error ? error.stack : error)}\n`,
  )
  process.exit(1)
}

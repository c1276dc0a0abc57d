/** `migrate`: brings the database up to date and ends. For those who upgrade before they start the new version. */
import type { Config } from '../config.ts'
import { openDesk, openKeeper, readArguments, UsageError, type Desk } from './open.ts'

export async function migrateCommand(
  config: Config,
  args: readonly string[],
  desk: Desk = openDesk(),
): Promise<void> {
  const { positionals } = readArguments(args, {}, 'migrate')
  if (positionals.length > 0) throw new UsageError('usage: migrate')
  const keeper = await openKeeper(config, { schema: 'latest', besideBroker: false })
  try {
    for (const name of keeper.migrated) desk.out(`Applied ${name}`)
    if (keeper.migrated.length === 0) desk.out('The database is up to date; nothing was applied.')
  } finally {
    await keeper.close()
  }
}

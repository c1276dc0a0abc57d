/**
 * `recover`: the way back for admins who have lost their passwords. Whoever holds the key-encryption key could open
 * every secret anyway; this gives them an operator, and says so in the log in words that nobody can pass over.
 */
import { recoverOperator } from '../bootstrap.ts'
import type { Config } from '../config.ts'
import { StartError } from '../storage.ts'
import { registeredKek } from '../vault/vault.ts'
import { openDesk, openKeeper, openKey, readArguments, UsageError, type Desk } from './open.ts'

const usage = 'recover --name NAME'

export async function recoverCommand(
  config: Config,
  args: readonly string[],
  desk: Desk = openDesk(),
): Promise<void> {
  const { values, positionals } = readArguments(args, { name: { type: 'string' } }, usage)
  const { name } = values
  if (name === undefined || positionals.length > 0) throw new UsageError(`usage: ${usage}`)
  // The same names that the API takes.
  if (!/^[A-Za-z0-9]([A-Za-z0-9._/@ -]{0,98}[A-Za-z0-9])?$/.test(name))
    throw new UsageError(`${JSON.stringify(name)} is not a name that an operator can have`)
  const keeper = await openKeeper(config, { schema: 'current', besideBroker: true })
  try {
    const registered = await registeredKek(keeper.db)
    if (registered === undefined)
      throw new StartError(
        'this database has no key-encryption key yet, so none can be shown: start the broker, unseal it, and try again',
      )
    const kek = await openKey(config, keeper.kekFile, registered, desk)
    kek.destroy()
    const setupSecret = await recoverOperator(keeper.db, name, Date.now())
    desk.out(
      `"${name}" is an active admin without a password; whoever used to sign in as them no longer is.`,
    )
    desk.out(
      'Their passkeys and one-time codes are gone; a new passkey can be registered for a day after the setup.',
    )
    desk.out(
      'They sign in with a password from now on: for two days also where passwords are switched off.',
    )
    desk.out('Setup secret, shown this once and good for a day:')
    desk.out('')
    desk.out(`    ${setupSecret}`)
    desk.out('')
    desk.out(`Next:  valetkey setup --name ${name}`)
    desk.out('The audit log says that this was done.')
  } finally {
    await keeper.close()
  }
}

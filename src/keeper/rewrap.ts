/**
 * `rewrap`: another key-encryption key. Every data key is unwrapped with the old and wrapped with the new one, in one
 * transaction; no secret is opened, so no plaintext is anywhere, in memory or on disk. Guarantees, against a crash at
 * any moment: the key that the database knows afterwards is where the next start finds it (a file: see
 * vault/kek-rotation.ts), or was shown before the database changed (`env`), or is in the heads of people (`passphrase`).
 *
 * No broker may run meanwhile: it would go on sealing under the old key. One that only seems dead, and wakes up later, can
 * do no harm: the row of the old key is gone, and what is sealed under it refers to that row.
 */
import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { sql } from 'kysely'
import { rewrapApprovals } from '../approval/sealed.ts'
import { rewrapOneTimeCodes } from '../approval/one-time-code.ts'
import { deadAfter } from '../audit/recovery.ts'
import { appendWithin } from '../audit/log.ts'
import { rewrapSigningKeys } from '../capability/keys.ts'
import type { Config } from '../config.ts'
import { bumpRevision } from '../db/feed.ts'
import type { Db, Tx } from '../db/open.ts'
import { newId } from '../ids.ts'
import { rewrapLeases } from '../lease/sealed.ts'
import { StartError } from '../storage.ts'
import { newPassphraseParameters, type PassphraseParameters } from '../vault/kek-passphrase.ts'
import { adoptNextKek, formerOf, prepareNextKek } from '../vault/kek-rotation.ts'
import { generateKekText, kekFromText, type Kek } from '../vault/kek.ts'
import { tableBinding } from '../vault/row-sealer.ts'
import { rewrap } from '../vault/seal.ts'
import { rewrapCredentials } from '../vault/store.ts'
import { registeredKek, registerKek, type KekSourceName } from '../vault/vault.ts'
import {
  kekPath,
  openDesk,
  openKeeper,
  openKey,
  orStop,
  passphraseKey,
  readArguments,
  UsageError,
  type Desk,
} from './open.ts'

const usage = 'rewrap [--to file|env|passphrase] [--file PATH]'
const options = { to: { type: 'string' }, file: { type: 'string' } } as const
const sources: readonly KekSourceName[] = ['file', 'env', 'passphrase']

/** A new key, and how it takes the old one's place once the database has changed over. */
type Next = {
  readonly source: KekSourceName
  readonly kek: Kek
  readonly derivation: PassphraseParameters | undefined
  /** What is to be said at the end. */
  finish(): Promise<readonly string[]>
}

export async function rewrapCommand(
  config: Config,
  args: readonly string[],
  desk: Desk = openDesk(),
): Promise<void> {
  const { values, positionals } = readArguments(args, options, usage)
  const to = sources.find((source) => source === (values.to ?? config.kek.kind))
  if (to === undefined || positionals.length > 0 || (values.file !== undefined && to !== 'file'))
    throw new UsageError(`usage: ${usage}`)
  const keeper = await openKeeper(config, { schema: 'current', besideBroker: false })
  try {
    await keeper.db.connection().execute(async (db) => {
      await takeTurn(db)
      if (!keeper.alone) await refuseWhereBrokersRun(db)
      const registered = await registeredKek(db)
      if (registered === undefined)
        throw new StartError('nothing is sealed in this database yet: there is no key to change')
      const old = await openKey(config, keeper.kekFile, registered, desk)
      const next = await nextKey(
        to,
        config,
        keeper.kekFile,
        values.file,
        registered.source,
        old,
        desk,
      )
      const count = await changeOver(db, old, next, keeper.alone)
      old.destroy()
      next.kek.destroy()
      desk.out(`${String(count)} sealed values are under the new key ${next.kek.id} now.`)
      for (const line of await next.finish()) desk.out(line)
      desk.out('Backups made before open with the old key only: make a new one.')
    })
  } finally {
    await keeper.close()
  }
}

/** One rewrap at a time: a second would take the new key file of the first for a leftover. Ends with the connection. */
async function takeTurn(db: Db): Promise<void> {
  const { rows } = await sql<{ mine: boolean }>`
    select pg_try_advisory_lock(hashtext('valetkey rewrap')) as mine
  `.execute(db)
  if (rows[0]?.mine !== true) throw new StartError('another rewrap is under way')
}

async function refuseWhereBrokersRun(db: Db | Tx): Promise<void> {
  const alive = await db
    .selectFrom('replica')
    .select('id')
    .where('seen_at', '>', sql<Date>`now() - make_interval(secs => ${deadAfter / 1000})`)
    .execute()
  if (alive.length > 0)
    throw new StartError(
      `${String(alive.length)} broker${alive.length === 1 ? ' is' : 's are'} running on this database: stop every one first ` +
        `(one that was killed counts as running for ${String(deadAfter / 1000)} seconds)`,
    )
}

async function nextKey(
  to: KekSourceName,
  config: Config,
  kekFile: string | undefined,
  asked: string | undefined,
  from: KekSourceName,
  old: Kek,
  desk: Desk,
): Promise<Next> {
  switch (to) {
    case 'file':
      return nextFile(
        asked === undefined ? kekPath(config, kekFile) : resolve(asked),
        from === 'file' && (asked === undefined || resolve(asked) === kekPath(config, kekFile))
          ? old.id
          : undefined,
      )
    case 'env': {
      const text = generateKekText()
      // Before the database changes: a key that is shown afterwards is lost with everything, should this die in between.
      desk.out(
        'The new key, shown this once. Put it where VALETKEY_KEK comes from, and keep the old one until this has ended:',
      )
      desk.out('')
      desk.out(`    ${text}`)
      desk.out('')
      return {
        source: 'env',
        kek: orStop(kekFromText(text, 'the new key')),
        derivation: undefined,
        finish: () => Promise.resolve(['Start the broker with VALETKEY_KEK set to it.']),
      }
    }
    case 'passphrase': {
      const derivation = newPassphraseParameters()
      const kek = await passphraseKey(desk, 'New passphrase', derivation, 'New passphrase again')
      return {
        source: 'passphrase',
        kek,
        derivation,
        finish: () =>
          Promise.resolve(
            from === 'passphrase'
              ? ['Unseal with the new passphrase.']
              : ['Start the broker with VALETKEY_KEK_SOURCE=passphrase, and unseal it.'],
          ),
      }
    }
  }
}

/** `formerId`: the key in the file that this one replaces; absent where there must be no file yet. */
async function nextFile(path: string, formerId: string | undefined): Promise<Next> {
  const there = await lstat(path).catch(() => undefined)
  if (there !== undefined && formerId === undefined)
    throw new StartError(
      `${path} is there already: move it away first, or name another with --file`,
    )
  if (there?.isSymbolicLink() === true)
    throw new StartError(`${path} is a symbolic link: name the file itself with VALETKEY_KEK_FILE`)
  return {
    source: 'file',
    kek: orStop(await prepareNextKek(path)),
    derivation: undefined,
    async finish() {
      await adoptNextKek(path, formerId)
      return [
        `The new key is in ${path}.`,
        ...(formerId === undefined
          ? [
              'Start the broker with VALETKEY_KEK_FILE set to it, unless it is the data directory’s.',
            ]
          : [
              `The old one is kept in ${formerOf(path, formerId)}: delete it when no backup needs it.`,
            ]),
      ]
    },
  }
}

/** Returns how many sealed values there were. All of them, the key's row and the entry, or nothing. */
function changeOver(db: Db, old: Kek, next: Next, alone: boolean): Promise<number> {
  return db.transaction().execute(async (tx) => {
    // A broker that starts now cannot register, and gives up; nothing can be sealed meanwhile.
    await sql`lock table replica, credential_version, credential_minted, signing_key, approval, lease, one_time_code, operator_session, key_encryption_key in share row exclusive mode`.execute(
      tx,
    )
    if (!alone) await refuseWhereBrokersRun(tx)
    if ((await registeredKek(tx))?.id !== old.id)
      throw new StartError('the key was changed by somebody else meanwhile; nothing was done')
    await registerKek(tx, next.kek, next.source, next.derivation)
    const credentials = await rewrapCredentials(tx, old, next.kek)
    if (typeof credentials !== 'number')
      throw unwrapped(`credential ${credentials.id}`, credentials.error)
    const signing = await rewrapSigningKeys(tx, next.kek.id, async (sealed, id) => {
      const result = await rewrap(sealed, old, next.kek, tableBinding('signing_key', id))
      if (!result.ok) throw unwrapped(`signing key ${id}`, result.error)
      return result.sealed
    })
    const approvals = await rewrapApprovals(tx, next.kek.id, async (sealed, binding) => {
      const result = await rewrap(sealed, old, next.kek, binding)
      if (!result.ok) throw unwrapped(`approval ${binding.id}`, result.error)
      return result.sealed
    })
    const leases = await rewrapLeases(tx, next.kek.id, async (sealed, binding) => {
      const result = await rewrap(sealed, old, next.kek, binding)
      if (!result.ok) throw unwrapped(`lease ${binding.id}`, result.error)
      return result.sealed
    })
    const codes = await rewrapOneTimeCodes(tx, next.kek.id, async (sealed, id) => {
      const result = await rewrap(sealed, old, next.kek, tableBinding('one_time_code', id))
      if (!result.ok) throw unwrapped(`one-time code of ${id}`, result.error)
      return result.sealed
    })
    // They last an hour at the most: people sign in again.
    await tx.deleteFrom('operator_session').execute()
    await tx.deleteFrom('key_encryption_key').where('id', '!=', next.kek.id).execute()
    const now = Date.now()
    await appendWithin(tx, {
      kind: 'system',
      result: 'done',
      at: now,
      correlationId: newId('correlation', now),
      actor: { kind: 'system', id: 'keeper' },
      action: 'vault.rewrap',
      detail: `${old.id} replaced by ${next.kek.id} (${next.source})`,
    })
    // A broker that was only asleep reads its keys anew, cannot open them, and denies.
    await bumpRevision(tx, 'directory')
    return credentials + signing + approvals + leases + codes
  })
}

function unwrapped(what: string, error: string): StartError {
  return new StartError(`the ${what} does not unwrap (${error}); nothing was changed`)
}

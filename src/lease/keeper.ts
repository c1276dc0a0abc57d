/**
 * Ends leases: at their end, when what they were given by is not in force any more, and when somebody asks. Guarantees,
 * against an agent that keeps what it was handed, and against a replica that dies while it ends one: one replica takes each,
 * tells the provider, and another does where it was not heard of again; it is tried for as long as the token may work; what
 * could not be ended is shown until it is.
 */
import { createClaimedWork, type ClaimedWork } from '../db/claimed-work.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Db } from '../db/open.ts'
import type { ReplicaId } from '../ids.ts'
import type { Minter } from '../minting/minter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import type { RowSealer } from '../vault/row-sealer.ts'
import {
  forgetUnneededSecrets,
  readCredential,
  readCredentialAt,
  type Credential,
} from '../vault/store.ts'
import { claimEnding, endLease, settleAttempt, sweepLeases, type Attempt } from './ending.ts'
import { recordWith } from './entry.ts'
import { isRevocable } from './kinds.ts'
import { leaseBinding } from './sealed.ts'
import { objectionTo, type StandingDeps } from './still-allowed.ts'
import type { Lease } from './lease.ts'
import { listLeases, sealedTokenOf } from './store.ts'

export type LeaseKeeper = ClaimedWork

export type LeaseKeeperDeps = StandingDeps & {
  readonly db: Db
  readonly sealer: RowSealer
  readonly sealed: () => boolean
  readonly openToMint: OpenCredential
  readonly minter: Pick<Minter, 'revoke'>
  readonly replicaId: ReplicaId
  readonly sharedNow: SharedClock
}

const readAtOnce = 500
/** How many are told to their providers at once. */
const mostAtOnce = 4
/** Milliseconds for which whoever took one may be silent. */
const attemptMs = 60_000

export function createLeaseKeeper(deps: LeaseKeeperDeps): LeaseKeeper {
  const { db, sharedNow, replicaId } = deps
  const record = recordWith(deps.now)

  async function endUnallowed(): Promise<void> {
    let after = ''
    for (;;) {
      const live = await listLeases(db, {
        limit: readAtOnce,
        after,
        states: ['live', 'minting'],
      })
      for (const lease of live) {
        if (lease.endReason !== null) continue
        const reason =
          lease.purpose === 'egress' ? await idle(lease) : await objectionTo(deps, lease)
        if (reason === undefined) continue
        await db.transaction().execute(async (tx) => {
          const now = await sharedNow(tx)
          await endLease(tx, lease.id, { by: 'broker', reason, now }, record)
        })
      }
      const last = live.at(-1)
      if (last === undefined || live.length < readAtOnce) return
      after = last.id
    }
  }

  /** Why the broker has no use for what it minted for itself; undefined where it has. */
  async function idle({ credential }: Lease): Promise<string | undefined> {
    const present = await readCredential(db, credential.id)
    return present?.state === 'active' && present.version === credential.version
      ? undefined
      : 'the credential that minted it is not in use any more'
  }

  async function end(lease: Lease): Promise<void> {
    try {
      const attempt = await tryToEnd(lease)
      await db.transaction().execute(async (tx) => {
        const { id, attempts } = lease
        const now = await sharedNow(tx)
        await settleAttempt(tx, { id, replicaId, attempt, attempts, now }, record)
        await forgetUnneededSecrets(tx, lease.credential.id)
      })
    } catch {
      // Nobody is at it any more when its time is over: another attempt is made then.
    }
  }

  async function tryToEnd(lease: Lease): Promise<Attempt> {
    if (!isRevocable(lease.kind)) return { kind: 'impossible' }
    const failed = (error: string): Attempt => ({ kind: 'failed', error })
    const sealed = await sealedTokenOf(db, lease.id)
    const opened =
      sealed === undefined ? undefined : await deps.sealer.open(sealed, leaseBinding(lease))
    if (opened === undefined) return failed('its token does not open')
    const minted = {
      token: opened.toString('utf8'),
      narrowing: lease.narrowing,
      ...(lease.handle === null ? {} : { handle: lease.handle }),
    }
    const credential = await endingWith(lease)
    const secret = credential && (await deps.openToMint(credential))
    if (credential === undefined || secret === undefined)
      return failed('the secret that minted it is gone, or does not open')
    try {
      const result = await deps.minter.revoke(credential, secret, minted, lease.id)
      if (result.ok) return { kind: 'revoked' }
      return 'impossible' in result ? { kind: 'impossible' } : failed(result.detail)
    } catch {
      return failed('the provider could not be asked')
    }
  }

  /**
   * What minted it; every second time what took its place since, as a provider may take no former key any more. Not what
   * mints in another way: that would give the token to somebody else, and believe their word that it is ended.
   */
  async function endingWith(lease: Lease): Promise<Credential | undefined> {
    const { credential, kind, attempts } = lease
    const minting = await readCredentialAt(db, credential.id, credential.version)
    if (attempts % 2 === 1 && minting !== undefined) return minting
    const present = await readCredentialAt(db, credential.id)
    return present?.mint?.kind === kind ? present : minting
  }

  return createClaimedWork({
    mostAtOnce,
    sealed: deps.sealed,
    async sweep() {
      await db.transaction().execute(async (tx) => {
        await sweepLeases(tx, await sharedNow(tx), isRevocable, record)
      })
      await endUnallowed()
    },
    take: () =>
      db.transaction().execute(async (tx) => {
        const now = await sharedNow(tx)
        return claimEnding(tx, { replicaId, heldUntil: now + attemptMs, now })
      }),
    work: end,
  })
}

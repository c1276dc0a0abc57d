/**
 * Ends leases: at their end, when what they were given by is not in force any more, and when somebody asks. One replica
 * takes each, tells the provider, and tries again for as long as the token may work; what could not be ended is shown
 * until it is.
 */
import type { SharedClock } from '../db/clock.ts'
import type { Db } from '../db/open.ts'
import type { ReplicaId } from '../ids.ts'
import type { Minter } from '../minting/minter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import {
  forgetUnneededSecrets,
  readCredential,
  readCredentialAt,
  type Credential,
} from '../vault/store.ts'
import { claimEnding, endLease, settleAttempt, sweepLeases, type Attempt } from './ending.ts'
import { recordWith } from './entry.ts'
import { isRevocable } from './kinds.ts'
import { leaseBinding, type LeaseSealer } from './sealed.ts'
import { objectionTo, type StandingDeps } from './still-allowed.ts'
import { listLeases, sealedTokenOf, type Lease } from './store.ts'

export type LeaseKeeper = {
  /** Looks at once, rather than when the next second is over. */
  wake(): void
  close(): Promise<void>
}

export type LeaseKeeperDeps = StandingDeps & {
  readonly db: Db
  readonly sealer: LeaseSealer
  readonly sealed: () => boolean
  readonly openToMint: OpenCredential
  readonly minter: Pick<Minter, 'revoke'>
  readonly replicaId: ReplicaId
  readonly sharedNow: SharedClock
}

const lookEvery = 1_000
const readAtOnce = 500
/** How many are told to their providers at once. */
const mostAtOnce = 4
/** Milliseconds for which whoever took one may be silent. */
const attemptMs = 60_000

export function createLeaseKeeper(deps: LeaseKeeperDeps): LeaseKeeper {
  const { db, sharedNow, replicaId } = deps
  const record = recordWith(deps.now)
  const running = new Set<Promise<void>>()
  const state = { closed: false }
  let looking: Promise<void> | undefined
  let again = false

  async function look(): Promise<void> {
    await db.transaction().execute(async (tx) => {
      await sweepLeases(tx, await sharedNow(tx), isRevocable, record)
    })
    await endUnallowed()
    while (!state.closed && running.size < mostAtOnce) {
      const taken = await db.transaction().execute(async (tx) => {
        const now = await sharedNow(tx)
        return claimEnding(tx, { replicaId, heldUntil: now + attemptMs, now })
      })
      if (taken === undefined) return
      const run = end(taken).finally(() => {
        running.delete(run)
        wake()
      })
      running.add(run)
    }
  }

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

  /** What minted it; every second time what took its place since, as a provider may take no former key any more. */
  async function endingWith({ credential, attempts }: Lease): Promise<Credential | undefined> {
    const minting = await readCredentialAt(db, credential.id, credential.version)
    if (attempts % 2 === 1 && minting !== undefined) return minting
    return (await readCredentialAt(db, credential.id)) ?? minting
  }

  function wake(): void {
    if (state.closed || deps.sealed()) return
    again = true
    looking ??= (async () => {
      while (again && !state.closed) {
        again = false
        // A database that is away is asked again in a second.
        await look().catch(() => undefined)
      }
      looking = undefined
    })()
  }

  const timer = setInterval(wake, lookEvery)
  timer.unref()
  return {
    wake,
    async close() {
      state.closed = true
      clearInterval(timer)
      await looking
      await Promise.all(running)
    },
  }
}

/**
 * What the broker mints for its own use, of a kind that does not end by itself (`mustRevoke`): a row before it is minted,
 * the token when it is there, and the end of it when it is not used any more, as for what is handed out. Nobody is given
 * these; an admin sees them where they could not be revoked.
 */
import { appendWithin } from '../audit/log.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Db } from '../db/open.ts'
import type { EnvironmentId, LeaseId, ReplicaId } from '../ids.ts'
import type { Minted, Narrowing } from '../minting/kind.ts'
import type { Minter } from '../minting/minter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import type { RowSealer } from '../vault/row-sealer.ts'
import type { CredentialKey } from '../vault/store.ts'
import { leaseEntry, recordWith } from './entry.ts'
import { mintingMs } from './hand-out.ts'
import { endsByItself } from './kinds.ts'
import { leaseBinding } from './sealed.ts'
import { closeUnminted, keepMinted, openLease } from './store.ts'

/** As `MinterDeps.keepToRevoke` has it. Never answers a token that no row keeps. */
export type KeepToRevoke = (
  credential: CredentialKey,
  narrowing: Narrowing,
  cause: string,
  mint: () => Promise<Minted>,
) => Promise<Minted>

export function createKeepToRevoke(deps: {
  readonly db: Db
  readonly sealer: RowSealer
  readonly replicaId: ReplicaId
  readonly openToMint: OpenCredential
  /** The minter's own, which is made after this. */
  readonly revoke: Minter['revoke']
  readonly sharedNow: SharedClock
  readonly now: () => number
}): KeepToRevoke {
  const { db, sharedNow, sealer } = deps
  const record = recordWith(deps.now)

  function announce(credential: CredentialKey, narrowing: Narrowing): Promise<LeaseId> {
    return db.transaction().execute(async (tx) => {
      const now = await sharedNow(tx)
      return openLease(tx, {
        purpose: 'egress',
        agentId: null,
        grantId: null,
        environmentId: credential.environmentId as EnvironmentId,
        provider: credential.provider,
        credential: { id: credential.id, version: credential.version },
        kind: credential.mint?.kind ?? '',
        capabilityId: null,
        ancestors: [],
        actors: [],
        ruleId: null,
        actorRules: [],
        bound: false,
        verbs: [],
        binding: 0,
        narrowing,
        replicaId: deps.replicaId,
        heldUntil: now + mintingMs,
        now,
      })
    })
  }

  async function keep(
    id: LeaseId,
    credential: CredentialKey,
    { token, handle, expiresAt }: Extract<Minted, { ok: true }>,
  ): Promise<void> {
    const { provider } = credential
    const environmentId = credential.environmentId as EnvironmentId
    const binding = leaseBinding({ id, provider, environmentId, credential, handle })
    const kekId = sealer.kekId()
    const sealed = await sealer.seal(Buffer.from(token), binding)
    const kept = await db.transaction().execute(async (tx) => {
      const now = await sharedNow(tx)
      const lease = await keepMinted(tx, id, {
        token: { kekId, sealed },
        handle,
        endsAt: expiresAt,
        worksUntil: endsByItself(credential.mint?.kind ?? '') ? expiresAt : undefined,
        now,
      })
      if (lease !== undefined) await appendWithin(tx, leaseEntry(lease, deps.now()))
      return lease
    })
    if (kept?.state !== 'live') throw new Error('it took too long to be minted, and is revoked')
  }

  /** Where it is not certain that nothing was minted, the row stays, and is shown. */
  async function none(id: LeaseId, why: string): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const lease = await closeUnminted(tx, id, why, await sharedNow(tx))
      if (lease !== undefined) await record(tx, lease)
    })
  }

  return async (credential, narrowing, cause, mint) => {
    const id = await announce(credential, narrowing)
    const minted = await mint()
    if (!minted.ok) {
      if (minted.why !== 'unavailable' || minted.nothing === true)
        await none(id, `${minted.why}: ${minted.detail}`)
      return minted
    }
    try {
      await keep(id, credential, minted)
      return minted
    } catch {
      const secret = await deps.openToMint(credential).catch(() => undefined)
      const ended =
        secret === undefined
          ? undefined
          : await deps.revoke(credential, secret, { ...minted, narrowing }, cause)
      if (ended?.ok === true) await none(id, 'it was ended at once').catch(() => undefined)
      return { ok: false, why: 'unavailable', detail: 'what was minted could not be written down' }
    }
  }
}

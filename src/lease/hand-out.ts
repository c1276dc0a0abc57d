/**
 * Hands a native credential out, once, under a grant that says so. Guarantees: what is minted is no wider than the grant
 * and the capability and no longer than either lets it be; who asked, for whom, and how narrow, is on record before
 * anything is minted, and what came of it before it is answered; there is a row from before the minting until the token
 * is over, so that a crash at any moment leaves nothing that nobody knows of; what stopped being allowed meanwhile is
 * not answered, and revoked.
 */
import { AuditUnavailable, appendWithin } from '../audit/log.ts'
import type { AdminEntry } from '../audit/entry.ts'
import { actorRulesOf, actorsOf } from '../capability/attenuate.ts'
import type { SharedClock } from '../db/clock.ts'
import type { Db, Tx } from '../db/open.ts'
import { lockGrant } from '../directory/grant.ts'
import type { Policy } from '../directory/policy.ts'
import type { LeaseId, ReplicaId, TrustRuleId } from '../ids.ts'
import type { Minted, Narrowing } from '../minting/kind.ts'
import type { Minter } from '../minting/minter.ts'
import { createLimiter } from '../proxy/limiter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import type { RowSealer } from '../vault/row-sealer.ts'
import type { Credential } from '../vault/store.ts'
import { endLease } from './ending.ts'
import { narrowingChange, recordWith, tokenDigest } from './entry.ts'
import { endsByItself } from './kinds.ts'
import { planLease, refuse, type LeaseWish, type Refused } from './plan.ts'
import { leaseBinding } from './sealed.ts'
import { objectionTo, type StandingDeps } from './still-allowed.ts'
import type { Lease } from './lease.ts'
import { closeUnminted, keepMinted, openLease, openLeasesOf } from './store.ts'
import { kindTerms, mostLeases } from './terms.ts'

/** Milliseconds: longer than minting may take. After that its replica counts as dead. */
export const mintingMs = 60_000
/** Milliseconds by which a provider may make longer what cannot be revoked: its clock is not ours. */
const lifetimeSlack = 60_000

export type HandOutDeps = StandingDeps & {
  readonly db: Db
  readonly sealer: RowSealer
  readonly openToMint: OpenCredential
  readonly minter: Pick<Minter, 'mint' | 'revoke'>
  readonly replicaId: ReplicaId
  /** Has the next to be revoked looked for at once. */
  readonly wake: () => void
  readonly confirm: () => boolean | Promise<boolean>
  readonly sharedNow: SharedClock
}

export type AskedLease = LeaseWish & {
  readonly correlationId: string
  /** An entry of whoever asks. */
  readonly entry: (
    entry: Pick<AdminEntry, 'result' | 'reason' | 'subject' | 'change'>,
  ) => AdminEntry
}

export type HandedOut =
  | {
      readonly ok: true
      readonly lease: Lease
      readonly token: string
      readonly credential: Credential
    }
  | Refused

export type HandOut = (asked: AskedLease) => Promise<HandedOut>

export function createHandOut(deps: HandOutDeps): HandOut {
  const { db, sharedNow } = deps
  const limiter = createLimiter()
  const record = recordWith(deps.now)

  return async function handOut(asked) {
    const { policy, claims } = asked
    const { grant } = policy
    const planned = await planLease(db, asked, deps.now)
    if (!planned.ok) return planned
    if (!limiter.take(grant.id, grant.requestsPerMinute, deps.now()))
      return refuse('rate_limited', `the grant allows ${String(grant.requestsPerMinute)} a minute`)
    const { credential, narrowing } = planned
    const opened = await db.transaction().execute(async (tx) => {
      const refused = await refusedUnderLock(tx, policy)
      if (refused !== undefined) return refused
      const now = await sharedNow(tx)
      const id = await openLease(tx, {
        purpose: 'handed_out',
        agentId: policy.agent.id,
        grantId: grant.id,
        environmentId: grant.environmentId,
        provider: grant.provider,
        credential: { id: credential.id, version: credential.version },
        kind: planned.kind,
        capabilityId: claims.jti,
        ancestors: claims.ancestors ?? [],
        actors: actorsOf(claims),
        ruleId: (claims.rule as TrustRuleId | undefined) ?? null,
        actorRules: [...actorRulesOf(claims).values()],
        bound: claims.cnf !== undefined,
        verbs: planned.verbs,
        binding: policy.binding,
        narrowing,
        replicaId: deps.replicaId,
        heldUntil: now + mintingMs,
        now,
      })
      await appendWithin(
        tx,
        asked.entry({
          result: 'done',
          subject: id,
          change: { credential: credential.id, kind: planned.kind, ...objectOf(narrowing) },
        }),
      )
      return { ok: true, id, now } as const
    })
    if (!opened.ok) return opened
    const { id } = opened
    const minted = await mint(asked, planned, id)
    if (!minted.ok) return minted.refused
    return keep(asked, { ...planned, id, askedAt: opened.now, minted: minted.minted })
  }

  /** One at a time for a grant: what was revoked, or given out, in this moment counts. */
  async function refusedUnderLock(tx: Tx, { grant }: Policy): Promise<Refused | undefined> {
    const row = await lockGrant(tx, grant.id)
    if (row?.state !== 'active') return refuse('grant_inactive', 'the grant is not active')
    if (!row.handOut) return refuse('not_handed_out', 'this grant hands no credential out')
    if ((await openLeasesOf(tx, grant.id)) >= mostLeases)
      return refuse(
        'lease_limited',
        `${String(mostLeases)} credentials of this grant work already, those included that could not be revoked yet: end one with DELETE /v1/leases/own/<id>, or wait`,
      )
    return undefined
  }

  async function mint(
    { correlationId }: AskedLease,
    {
      credential,
      kind,
      narrowing,
    }: { readonly credential: Credential; readonly kind: string; readonly narrowing: Narrowing },
    id: LeaseId,
  ): Promise<
    | { readonly ok: true; readonly minted: Extract<Minted, { ok: true }> }
    | { readonly ok: false; readonly refused: Refused }
  > {
    const secret = await deps.openToMint(credential)
    if (secret === undefined) {
      await close(id, 'the credential does not open')
      return { ok: false, refused: refuse('unavailable', 'the credential could not be opened') }
    }
    const minted = await deps.minter.mint(credential, secret, narrowing, correlationId)
    if (minted.ok) return { ok: true, minted }
    // Where nobody answered, there may be a token that nobody has. One that ends by itself is let end; any other stands
    // as `minting` until it is shown as one that could not be revoked.
    const certain = minted.why !== 'unavailable' || minted.nothing === true
    if (certain || Number.isFinite(kindTerms(kind).longest))
      await close(id, `${minted.why}: ${minted.detail}`)
    switch (minted.why) {
      case 'unavailable':
        return {
          ok: false,
          refused: refuse(
            'upstream_unreachable',
            'the provider did not mint it: it could not be asked',
          ),
        }
      case 'rejected':
        return {
          ok: false,
          refused: refuse(
            'upstream_failed',
            'the provider refused to mint it; an operator finds out why in the log',
          ),
        }
      case 'impossible':
        return {
          ok: false,
          refused: refuse(
            'not_handed_out',
            'the provider mints nothing that is as narrow as this grant',
          ),
        }
    }
  }

  async function close(id: LeaseId, why: string): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const lease = await closeUnminted(tx, id, why, await sharedNow(tx))
      if (lease !== undefined) await record(tx, lease)
    })
  }

  async function keep(
    asked: AskedLease,
    made: {
      readonly id: LeaseId
      readonly credential: Credential
      readonly kind: string
      readonly revocable: boolean
      readonly narrowing: Narrowing
      readonly until: number
      readonly askedAt: number
      readonly minted: Extract<Minted, { ok: true }>
    },
  ): Promise<HandedOut> {
    const { id, credential, revocable, narrowing, minted } = made
    const { token, handle, expiresAt } = minted
    // Between the plan and now may lie any wait, and two clocks.
    const end = Math.min(made.askedAt + narrowing.seconds * 1000, made.until)
    const worksUntil = endsByItself(made.kind) ? expiresAt : undefined
    const endsAt = revocable ? Math.min(end, expiresAt) : expiresAt
    try {
      const sealed = revocable
        ? {
            kekId: deps.sealer.kekId(),
            sealed: await deps.sealer.seal(
              Buffer.from(token),
              leaseBinding({
                id,
                provider: credential.provider,
                environmentId: credential.environmentId,
                credential,
                handle,
              }),
            ),
          }
        : undefined
      const lease = await db.transaction().execute(async (tx) => {
        const now = await sharedNow(tx)
        const kept = await keepMinted(tx, id, { token: sealed, handle, endsAt, worksUntil, now })
        if (kept === undefined) return undefined
        await appendWithin(
          tx,
          asked.entry({
            result: 'done',
            subject: id,
            change: {
              minted: kept.state,
              digest: tokenDigest(token),
              handle: handle ?? null,
              endsAt: new Date(endsAt).toISOString(),
              narrowing: narrowingChange(narrowing),
            },
          }),
        )
        return kept
      })
      if (lease === undefined) throw new Error('its row is closed')
      const reason =
        !revocable && expiresAt > end + lifetimeSlack
          ? 'the provider made it live longer than it may, and nobody can end it'
          : lease.state !== 'live'
            ? (lease.endReason ?? 'it took too long')
            : await stopped(lease)
      if (reason === undefined) return { ok: true, lease, token, credential }
      await giveUp(lease.id, reason)
      return refuse('grant_inactive', `it was minted, and is not handed out: ${reason}`)
    } catch (error) {
      // It may be in no row by which it could be found again: now or never.
      await giveUp(id, 'it could not be recorded').catch(() => undefined)
      await endAtOnce(credential, narrowing, minted, asked.correlationId)
      if (error instanceof AuditUnavailable) throw error
      return refuse('unavailable', 'it could not be recorded, and is not handed out')
    }
  }

  /** Everything once more, as it is after the wait; what cannot be heard counts as stopped. */
  async function stopped(lease: Lease): Promise<string | undefined> {
    if (!(await deps.confirm())) return 'the broker cannot hear whether it was revoked meanwhile'
    return objectionTo(deps, lease)
  }

  async function giveUp(id: LeaseId, reason: string): Promise<void> {
    await db.transaction().execute(async (tx) => {
      const now = await sharedNow(tx)
      await endLease(tx, id, { by: 'broker', reason, now }, record)
    })
    deps.wake()
  }

  async function endAtOnce(
    credential: Credential,
    narrowing: Narrowing,
    { token, handle }: Extract<Minted, { ok: true }>,
    cause: string,
  ): Promise<void> {
    const secret = await deps.openToMint(credential).catch(() => undefined)
    if (secret === undefined) return
    const minted = { token, narrowing, ...(handle === undefined ? {} : { handle }) }
    await deps.minter.revoke(credential, secret, minted, cause).catch(() => undefined)
  }
}

function objectOf(narrowing: Narrowing) {
  return { narrowing: narrowingChange(narrowing) }
}

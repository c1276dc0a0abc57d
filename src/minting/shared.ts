/**
 * Minting that uses its secret up, as a refresh token that rotates. Guarantees, over any number of replicas: one mints at
 * a time, the others take what it minted; what replaces the secret, what was minted and the entry of it are durable in
 * one transaction before anything is used; whoever was overtaken throws away what it has.
 *
 * What cannot be kept from happening: a process that dies between the provider's answer and that transaction takes the
 * only secret with it that the provider still accepts, and so does an answer that is lost on its way. Providers that
 * accept the former one for a while heal that; with others, an admin consents anew.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { AuditLog } from '../audit/log.ts'
import { canonicalize } from '../core/canonical.ts'
import type { KeptToken, MintedStore } from '../vault/minted-store.ts'
import type { CredentialKey } from '../vault/store.ts'
import { margin } from './held.ts'
import type { Minted, MintRefusal, Narrowing } from './kind.ts'
import { mintRecord } from './record.ts'

/** How long another replica is waited for, and how often it is looked, in milliseconds. */
const waitFor = 9_000
const lookEvery = 100
/** For how long it is tried to keep what replaces the secret: without it, nobody gets in again. In milliseconds. */
const keepFor = 60_000
const keepEvery = 250

export type SharedMinting = {
  tokenFor(
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
  ): Promise<Extract<Minted, { ok: true }> | MintRefusal>
}

export function createSharedMinting(deps: {
  readonly store: MintedStore
  readonly markRejected: (credential: CredentialKey, detail: string) => Promise<void>
  readonly mintWith: (
    credential: CredentialKey,
    secret: string,
    narrowing: Narrowing,
    cause: string,
  ) => Promise<Minted>
  readonly audit: Pick<AuditLog, 'append'>
  readonly now: () => number
  readonly sleep: (milliseconds: number) => Promise<unknown>
}): SharedMinting {
  const { store, now } = deps

  async function usable(
    credential: CredentialKey,
    digest: string,
  ): Promise<Extract<Minted, { ok: true }> | undefined> {
    const kept = await store.read(credential, digest)
    return kept !== undefined && kept.expiresAt - now() >= margin
      ? { ok: true, ...kept }
      : undefined
  }

  async function mintClaimed(
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
    claimed: { readonly secret: string; readonly used: Buffer },
  ): Promise<Extract<Minted, { ok: true }> | MintRefusal> {
    const record = mintRecord(credential, narrowing, cause)
    await deps.audit.append(record.asked(now()))
    const minted = await deps.mintWith(credential, claimed.secret, narrowing, cause)
    if (!minted.ok && minted.rotated === undefined) {
      if (minted.dead === true)
        await deps.markRejected(credential, minted.detail).catch(() => undefined)
      await deps.audit.append(record.ended(minted, now()))
      return minted
    }
    const { rotated } = minted
    const kept = {
      ...(minted.ok ? { token: keptOf(minted) } : {}),
      ...(rotated === undefined ? {} : { rotated }),
    }
    const entry = record.ended(minted, now())
    const done = await insist(() =>
      store.keep(credential, claimed.used, narrowingDigest(narrowing), kept, entry),
    )
    // What replaces the secret has no business beyond here.
    const { rotated: _, ...rest } = minted
    if (done) return rest
    const overtaken: MintRefusal = {
      ok: false,
      why: 'unavailable',
      detail: 'the credential was replaced or revoked meanwhile',
    }
    await deps.audit.append(record.ended(overtaken, now()))
    return overtaken
  }

  /** A database that is away for a moment must not cost the only secret that works. */
  async function insist<R>(work: () => Promise<R>): Promise<R> {
    const since = performance.now()
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (performance.now() - since > keepFor) throw error
        await deps.sleep(keepEvery)
      }
    }
  }

  return {
    async tokenFor(credential, narrowing, cause) {
      const digest = narrowingDigest(narrowing)
      const by = randomUUID()
      const since = performance.now()
      for (;;) {
        const ready = await usable(credential, digest)
        if (ready !== undefined) return ready
        const claim = await store.claim(credential, by)
        if (claim === 'gone') {
          const refusal = {
            ok: false,
            why: 'impossible',
            detail: 'the credential does not open',
          } as const
          await deps.audit.append(mintRecord(credential, narrowing, cause).ended(refusal, now()))
          return refusal
        }
        if (claim === 'busy') {
          if (performance.now() - since > waitFor)
            return { ok: false, why: 'unavailable', detail: 'another replica is at it' }
          await deps.sleep(lookEvery)
          continue
        }
        try {
          const secret = claim.secret.reveal()
          claim.secret.dispose()
          // Whoever had the claim until now may have left what is needed.
          return (
            (await usable(credential, digest)) ??
            (await mintClaimed(credential, narrowing, cause, { secret, used: claim.used }))
          )
        } finally {
          await store.release(credential, by).catch(() => undefined)
        }
      }
    },
  }
}

function keptOf({ token, expiresAt, handle }: Extract<Minted, { ok: true }>): KeptToken {
  return { token, expiresAt, ...(handle === undefined ? {} : { handle }) }
}

/** By what a narrowing is known: SHA-256, in hex. */
export function narrowingDigest({ bindings, readOnly, seconds }: Narrowing): string {
  const text = canonicalize({ bindings, readOnly, seconds })
  return createHash('sha256').update(text).digest('hex')
}

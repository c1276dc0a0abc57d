/**
 * The door of minting. Guarantees, against an agent that would have more than its environment, against parameters that
 * lead elsewhere, and against a provider that errs: what is given out is as narrow as was asked or is not given out; it
 * is on record, durably, before it is used (I2); the vault's secret goes to nobody but the origins that its parameters
 * name; every wait is bounded; and a provider that says no is left alone for a while.
 */
import type { AuditLog } from '../audit/log.ts'
import { mintParameters } from '../core/mint.ts'
import type { CredentialId } from '../ids.ts'
import type { MintedStore } from '../vault/minted-store.ts'
import type { OpenCredential } from '../vault/opener.ts'
import { SecretText } from '../vault/secret-text.ts'
import { mintPurpose, type CredentialKey } from '../vault/store.ts'
import { createAttempts, type Revoking } from './attempt.ts'
import { asItIs, bounded, partsOf, refuse } from './checked.ts'
import type { Send } from './exchange.ts'
import { createHeldTokens, margin, type Held } from './held.ts'
import type { Minted, MintRefusal, Narrowing } from './kind.ts'
import type { AnyMintKind } from './kinds.ts'
import { mintRecord } from './record.ts'
import { createSharedMinting, narrowingDigest } from './shared.ts'

/** What was minted for egress: shared by the requests of one credential, version and narrowing, erased once it is over. */
export type MintedToken<G = unknown> = {
  readonly ok: true
  /** To be used before anything else is awaited, as what `OpenCredential` gives. */
  readonly secret: SecretText
  /** What must come back in no answer: it, and the parts of the secret that it was minted with. */
  readonly guard: G
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
  /** The provider did not accept it (401): the next request has another. */
  refused(): void
}

export type Minter<G = unknown> = {
  /**
   * Mints anew, never cached, for a lease. `secret` is what `CredentialOpener.openToMint` gave for `credential`, which
   * has a `mint` (`open` gives nothing for such a one). `impossible` for a kind that is `exclusive`: what it mints is
   * shared. What it answers is on record (`credential.mint`) before it is answered. `cause`: the correlation it is asked
   * under. Rejects with `AuditUnavailable` where that could not be recorded; what was minted is then revoked.
   */
  mint(
    credential: CredentialKey,
    secret: SecretText,
    narrowing: Narrowing,
    cause: string,
  ): Promise<Minted>
  /**
   * For egress: held in memory until shortly before it expires, and minted once however many ask. Never rejects: what
   * could not be recorded is `unavailable`. Of a kind that does not narrow to reads, `readOnly` is not asked.
   */
  tokenFor(
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
  ): Promise<MintedToken<G> | MintRefusal>
  /**
   * Ends what was minted, at the provider. `impossible`: the provider cannot; it ends by itself at its expiry. That it is
   * done, and what came of it, is its caller's to record. Never rejects.
   */
  revoke(
    credential: CredentialKey,
    secret: SecretText,
    minted: { readonly token: string; readonly handle?: string; readonly narrowing: Narrowing },
    cause: string,
  ): Promise<Revoking>
  /** Forgets what is held for credentials that are not any more what they were. Rejects where that cannot be read. */
  recheck(): Promise<void>
  clear(): void
}

export type MinterDeps<G> = {
  readonly kind: (name: string) => AnyMintKind | undefined
  readonly audit: Pick<AuditLog, 'append'>
  readonly openToMint: OpenCredential
  readonly store: MintedStore
  /** As it is now; undefined where there is none. */
  readonly read: (
    id: CredentialId,
  ) => Promise<(CredentialKey & { readonly state: string }) | undefined>
  /** The secret is worth nothing any more: for an admin to see. */
  readonly markRejected: (credential: CredentialKey, detail: string) => Promise<void>
  readonly send: Send
  readonly guard: (token: SecretText, parts: readonly string[]) => G
  /**
   * For kinds that are `mustRevoke`: keeps a row of what is minted, from before it is until it has been revoked. Where it
   * is absent, they mint nothing for egress.
   */
  readonly keepToRevoke?: (
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
    mint: () => Promise<Minted>,
  ) => Promise<Minted>
  readonly now: () => number
  /** Waits for so many milliseconds. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>
}

/** How long whoever asks waits for it, in milliseconds: another replica's may come first. */
const askDeadline = 12_000

const doesNotOpen = 'the credential does not open'

export function createMinter<G>(deps: MinterDeps<G>): Minter<G> {
  const { audit, now } = deps
  const { kindOf, mintWith, revokeWith } = createAttempts(deps)
  const held = createHeldTokens<G>()
  /** By key: what all replicas share was refused by the provider, and is being forgotten. */
  const forgetting = new Map<string, Promise<void>>()
  const shared = createSharedMinting({
    store: deps.store,
    markRejected: deps.markRejected,
    mintWith,
    audit,
    now,
    sleep: deps.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms))),
  })

  /** Minted and on record; or nothing that anybody could use. */
  async function mintRecorded(
    credential: CredentialKey,
    secret: string,
    narrowing: Narrowing,
    cause: string,
    least = margin,
  ): Promise<Minted> {
    const record = mintRecord(credential, narrowing, cause)
    await audit.append(record.asked(now()))
    const minted = await mintWith(credential, secret, narrowing, cause, least)
    try {
      await audit.append(record.ended(minted, now()))
    } catch (error) {
      const kind = kindOf(credential)
      if (minted.ok && kind !== undefined)
        await revokeWith(kind, credential, secret, { ...minted, narrowing }, cause)
      throw error
    }
    if (!minted.ok && minted.dead === true)
      await deps.markRejected(credential, minted.detail).catch(() => undefined)
    return minted
  }

  async function forEgress(
    kind: AnyMintKind,
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
  ): Promise<Held<G> | MintRefusal> {
    const minted =
      kind.exclusive === true
        ? await shared.tokenFor(credential, narrowing, cause)
        : await unshared(kind, credential, narrowing, cause)
    if (!minted.ok) return minted
    // As it is by now: minting may have replaced it.
    const secret = await reveal(credential)
    if (secret === undefined) return refuse('unavailable', doesNotOpen)
    const token = SecretText.of(minted.token)
    const guard = deps.guard(token, partsOf(kind, secret))
    return { secret: token, guard, expiresAt: minted.expiresAt }
  }

  async function unshared(
    kind: AnyMintKind,
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
  ): Promise<Minted> {
    const secret = await reveal(credential)
    if (secret === undefined) return refuseRecorded(credential, narrowing, cause, doesNotOpen)
    const mint = (): Promise<Minted> => mintRecorded(credential, secret, narrowing, cause)
    if (kind.mustRevoke !== true) return mint()
    if (deps.keepToRevoke === undefined)
      return refuseRecorded(credential, narrowing, cause, 'nothing would end what it mints')
    return deps.keepToRevoke(credential, narrowing, cause, mint)
  }

  async function refuseRecorded(
    credential: CredentialKey,
    narrowing: Narrowing,
    cause: string,
    detail: string,
  ): Promise<MintRefusal> {
    const refusal = refuse('impossible', detail)
    await audit.append(mintRecord(credential, narrowing, cause).ended(refusal, now()))
    return refusal
  }

  async function reveal(credential: CredentialKey): Promise<string | undefined> {
    const secret = await deps.openToMint(credential)
    const text = secret?.reveal()
    secret?.dispose()
    return text
  }

  return {
    async mint(credential, secret, narrowing, cause) {
      // At once: it is erased without notice.
      const text = secret.reveal()
      if (kindOf(credential)?.exclusive === true)
        return refuse('impossible', 'what it mints is shared by all that go out with it')
      // A lease may be as short as it likes.
      return mintRecorded(credential, text, narrowing, cause, 0)
    },

    async tokenFor(credential, asked, cause) {
      const kind = kindOf(credential)
      if (kind === undefined || credential.mint === undefined)
        return refuse('impossible', 'this kind of minting is not known')
      const parameters = mintParameters(credential.mint) as never
      const readOnly = asked.readOnly && (kind.narrowsToReads?.(parameters) ?? true)
      const narrowing = { ...asked, readOnly }
      const digest = narrowingDigest(narrowing)
      const key = [credential.id, credential.version, digest, mintPurpose(credential)].join(' ')
      const known = held.get(key, now())
      const found =
        known ??
        (await bounded<Held<G> | MintRefusal>(askDeadline, asItIs, () =>
          held.once(
            key,
            { id: credential.id, version: credential.version },
            // Whatever is thrown here is ours, or the database's: nobody was refused.
            () =>
              Promise.resolve(forgetting.get(key))
                .then(() => forEgress(kind, credential, narrowing, cause))
                .catch(() =>
                  refuse('unavailable', 'it could not be recorded, or the database did not answer'),
                ),
            now,
          ),
        ))
      if ('ok' in found) return found
      return {
        ok: true,
        ...found,
        refused() {
          if (!held.refused(key, found, now()) || kind.exclusive !== true) return
          const forgotten = deps.store
            .forget(credential, digest, found.secret.reveal())
            .catch(() => undefined)
            .finally(() => forgetting.delete(key))
          // Whoever mints next must not find it there again.
          forgetting.set(key, forgotten)
        },
      }
    },

    async revoke(credential, secret, minted, cause) {
      const text = secret.reveal()
      const kind = kindOf(credential)
      if (kind === undefined) return { ok: false, detail: 'this kind of minting is not known' }
      return revokeWith(kind, credential, text, minted, cause)
    },

    async recheck() {
      for (const owner of held.owners()) {
        const present = await deps.read(owner.id as CredentialId)
        if (present?.state !== 'active' || present.version !== owner.version) held.drop(owner)
      }
    },
    clear: () => held.clear(),
  }
}

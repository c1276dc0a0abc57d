/**
 * One attempt with a kind: to mint, or to end what was minted. Guarantees, against a kind that errs and a provider that
 * answers otherwise than it was asked: it is given parameters of its own schema and a way out to its own origins only; it
 * is done within ten seconds; what it mints has the form and the time that it needs, or is ended; no refusal quotes a
 * secret. Nothing is recorded here, and nothing kept: that is its callers' (minter.ts, shared.ts).
 */
import { Value } from 'typebox/value'
import { mintParameters } from '../core/mint.ts'
import type { CredentialKey } from '../vault/store.ts'
import { asItIs, bounded, complaintAbout, partsOf, refuse, withoutSecrets } from './checked.ts'
import { exchangeWithin, type Send } from './exchange.ts'
import { margin } from './held.ts'
import type { Minted, MintRefusal, Narrowing, Revoked } from './kind.ts'
import type { AnyMintKind } from './kinds.ts'

/** `impossible`: the provider cannot; it ends by itself. */
export type Revoking =
  Revoked | { readonly ok: false; readonly impossible: true; readonly detail: string }

/** Milliseconds: one minting, with all its exchanges. */
const mintDeadline = 10_000

export function createAttempts(deps: {
  readonly kind: (name: string) => AnyMintKind | undefined
  readonly send: Send
  /** Milliseconds since the epoch. */
  readonly now: () => number
}) {
  const { now } = deps

  function kindOf(credential: CredentialKey): AnyMintKind | undefined {
    return credential.mint === undefined ? undefined : deps.kind(credential.mint.kind)
  }

  /** What a kind is given, where its parameters are what its schema says. */
  function inputOf(
    kind: AnyMintKind,
    { mint, provider, origin }: CredentialKey,
    secret: string,
    narrowing: Narrowing,
    cause: string,
  ) {
    if (mint === undefined) return undefined
    const parameters = mintParameters(mint)
    if (!Value.Check(kind.parameters, parameters)) return undefined
    if (kind.providers !== undefined && !kind.providers.includes(provider)) return undefined
    const typed = parameters as never
    const credential = { provider, origin }
    const exchange = exchangeWithin(credential, kind.origins(typed, origin), deps.send)
    return { parameters: typed, secret, origin, narrowing, exchange, now: now(), cause }
  }

  /**
   * Mints, and looks at what came of it: it must live for `least` milliseconds. Nothing is recorded here, nor thrown.
   */
  async function mintWith(
    credential: CredentialKey,
    secret: string,
    narrowing: Narrowing,
    cause: string,
    least = margin,
  ): Promise<Minted> {
    const kind = kindOf(credential)
    if (kind === undefined) return refuse('impossible', 'this kind of minting is not known')
    const minted = await bounded<Minted>(mintDeadline, asItIs, async () => {
      const input = inputOf(kind, credential, secret, narrowing, cause)
      if (input === undefined) return refuse('impossible', 'its parameters are not of its kind')
      return kind.mint(input)
    })
    if (!minted.ok) {
      const { rotated, ...bare } = withoutSecrets(minted, partsOf(kind, secret))
      return rotated === undefined || kind.exclusive !== true ? bare : { ...bare, rotated }
    }
    const wrong = complaintAbout(kind, minted, now() + least)
    if (wrong === undefined) return minted
    const revoked = await revokeWith(kind, credential, secret, { ...minted, narrowing }, cause)
    // What may live on at the provider is not to be taken for something that never was.
    const why = kind.mustRevoke === true && !revoked.ok ? 'unavailable' : 'impossible'
    const { rotated } = minted
    const keeps = rotated !== undefined && kind.exclusive === true
    return { ...refuse(why, wrong), ...(keeps ? { rotated } : {}) }
  }

  async function revokeWith(
    kind: AnyMintKind,
    credential: CredentialKey,
    secret: string,
    minted: { readonly token: string; readonly handle?: string; readonly narrowing: Narrowing },
    cause: string,
  ): Promise<Revoking> {
    const { token, handle, narrowing } = minted
    const revoke = kind.revoke?.bind(kind)
    if (revoke === undefined)
      return {
        ok: false,
        impossible: true,
        detail: 'the provider ends it at its expiry, and not before',
      }
    const failed = ({ detail }: MintRefusal): Revoked => ({ ok: false, detail })
    const revoked = await bounded(mintDeadline, failed, async () => {
      const input = inputOf(kind, credential, secret, narrowing, cause)
      if (input === undefined)
        return failed(refuse('impossible', 'its parameters are not of its kind'))
      return revoke({ ...input, token, ...(handle === undefined ? {} : { handle }) })
    })
    const parts = [token, ...partsOf(kind, secret)]
    return revoked.ok ? revoked : failed(withoutSecrets(refuse('rejected', revoked.detail), parts))
  }

  return { kindOf, mintWith, revokeWith }
}

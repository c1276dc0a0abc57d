/**
 * What is looked at before anything that a kind, or a provider through it, says is believed, kept or shown; and the bound of
 * every wait for one. Against a token that is no field's value, one that is over before it is used, a refusal that quotes
 * the secret, and an answer that never comes.
 */
import { ForbiddenExchange } from './exchange.ts'
import type { Minted, MintRefusal } from './kind.ts'
import type { AnyMintKind } from './kinds.ts'
import { secretParts } from './secret-parts.ts'

export const asItIs = (refusal: MintRefusal): MintRefusal => refusal

export const refuse = (why: MintRefusal['why'], detail: string): MintRefusal => ({
  ok: false,
  why,
  detail,
})

/** What a kind says of what it minted is looked at too: it goes into a field of every request. */
export function complaintAbout(
  kind: AnyMintKind,
  minted: Extract<Minted, { ok: true }>,
  /** Milliseconds since the epoch: when it must not have ended yet. */
  until: number,
): string | undefined {
  const { token, expiresAt, rotated } = minted
  if (kind.signs === undefined && !/^[\x21-\x7e]{8,16384}$/.test(token))
    return 'what came back cannot travel in a field'
  if (Number.isNaN(expiresAt) || expiresAt < until) return 'what came back ends too soon to be used'
  if (rotated !== undefined && kind.exclusive !== true)
    return 'it replaces a secret that others use at the same time'
  return undefined
}

export function partsOf(kind: AnyMintKind, secret: string): readonly string[] {
  return kind.parts?.(secret) ?? secretParts(secret)
}

/** A kind must not quote a secret; what did would be shown to an agent and kept in the log. */
export function withoutSecrets(refusal: MintRefusal, parts: readonly string[]): MintRefusal {
  return parts.some((part) => refusal.detail.includes(part))
    ? { ...refusal, detail: 'the provider’s answer is withheld: it quotes the secret' }
    : refusal
}

/** What takes longer than `milliseconds`, and what throws, is a refusal in the form that `refused` gives it. */
export async function bounded<R>(
  milliseconds: number,
  refused: (refusal: MintRefusal) => R,
  work: () => Promise<R>,
): Promise<R> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<R>((resolve) => {
    const late = refused(refuse('unavailable', 'it took too long'))
    timer = setTimeout(resolve, milliseconds, late)
  })
  try {
    return await Promise.race([work(), timeout])
  } catch (error) {
    return refused(
      error instanceof ForbiddenExchange
        ? refuse('impossible', `it would have asked ${error.message}`)
        : refuse('unavailable', 'nobody answered'),
    )
  } finally {
    clearTimeout(timer)
  }
}

/** How leases are shown, to agents and to operators. */
import Type, { type Static } from 'typebox'
import type { Narrowing } from '../core/mint.ts'
import { leaseStates, type Lease } from '../lease/lease.ts'
import { closed } from './schemas.ts'

export const LeaseState = Type.Union(
  leaseStates.map((state) => Type.Literal(state)),
  {
    description:
      'minting; live; revoking: on its way to the provider; could_not_revoke: it is tried again; not_revocable: the provider cannot, and it works until works_until; revoked; expired; not_minted.',
  },
)

export const NarrowingView = closed({
  bindings: Type.Array(closed({ kind: Type.String(), id: Type.String() })),
  read_only: Type.Boolean(),
  seconds: Type.Integer(),
})

export function narrowingView(narrowing: Narrowing): Static<typeof NarrowingView> {
  const { bindings, readOnly, seconds } = narrowing
  return {
    bindings: bindings.map(({ kind, id }) => ({ kind, id })),
    read_only: readOnly,
    seconds,
  }
}

/** A sentence. */
export function leaseStateText(lease: Lease): string {
  const { state, worksUntil, lastError, known } = lease
  const until =
    worksUntil === null
      ? 'it does not stop by itself'
      : `it works until ${worksUntil.toISOString()} at the longest`
  switch (state) {
    case 'minting':
      return 'it is being minted'
    case 'live':
      return `it is good until ${lease.endsAt.toISOString()}`
    case 'revoking':
      return 'the provider is being told to end it'
    case 'could_not_revoke':
      return known
        ? `the provider could not be told to end it, which is tried again; ${until}`
        : `${lastError ?? 'it is not known which it is'}; if there is one, nobody was given it; ${until}`
    case 'not_revocable':
      return `the provider cannot end it; ${until}`
    case 'revoked':
      return lastError === null
        ? 'the provider has ended it'
        : 'an operator says that it was ended at the provider'
    case 'expired':
      return 'it stopped by itself'
    case 'not_minted':
      return 'nothing was minted'
  }
}

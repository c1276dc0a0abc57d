/** What leases need to know of a kind of minting, and of the parameters that a credential mints with. */
import { Value } from 'typebox/value'
import { mintParameters, type CredentialMint } from '../core/mint.ts'
import { mintKind } from '../minting/kinds.ts'

export type MintFacts = {
  readonly kind: string | undefined
  /** Whether it can mint what only reads. */
  readonly narrowsToReads: boolean
  /** Whether what only reads may read secrets too. */
  readonly readsSecrets: boolean
}

/** What GitHub's App permissions read of repositories, and no secret among it: not hooks, not variables, not alerts. */
const plainPermissions: ReadonlySet<string> = new Set([
  'attestations',
  'checks',
  'contents',
  'discussions',
  'issues',
  'merge_queues',
  'metadata',
  'pull_requests',
  'statuses',
])

export function mintFacts(mint: CredentialMint | undefined): MintFacts {
  const kind = mint === undefined ? undefined : mintKind(mint.kind)
  const parameters = mint === undefined ? undefined : mintParameters(mint)
  // They were checked when they were stored; a database that says otherwise hands nothing out.
  if (mint === undefined || kind === undefined || !Value.Check(kind.parameters, parameters))
    return { kind: undefined, narrowsToReads: false, readsSecrets: true }
  const narrows = kind.narrowsToReads?.(parameters as never) ?? true
  return { kind: kind.name, narrowsToReads: narrows, readsSecrets: mayReadSecrets(mint) }
}

/** The read-only roles of clouds and clusters read what lies in their secret stores. */
function mayReadSecrets({ kind, permissions }: CredentialMint): boolean {
  if (kind !== 'github_app' || typeof permissions !== 'object' || permissions === null) return true
  const names = Object.keys(permissions)
  return Array.isArray(permissions) || names.some((name) => !plainPermissions.has(name))
}

/** Whether the provider can end what a kind minted. Of one that is not known any more, that cannot be said: it is tried. */
export function isRevocable(kind: string): boolean {
  const known = mintKind(kind)
  return known === undefined || known.revoke !== undefined
}

/** Whether what a kind minted stops by itself. */
export function endsByItself(kind: string): boolean {
  const known = mintKind(kind)
  return known !== undefined && known.mustRevoke !== true
}

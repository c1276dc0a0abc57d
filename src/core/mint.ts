/**
 * How a credential's secret is used, where it does not go out itself: it mints what goes out, and that lives for
 * minutes. The kind and its parameters, as an admin stated them; nothing in it is secret.
 */
import type { JsonValue } from './operation.ts'

export type CredentialMint = {
  /** One of `MintKindName`. */
  readonly kind: string
  readonly [parameter: string]: JsonValue
}

/** The parameters alone: what the kind's schema describes. */
export function mintParameters(mint: CredentialMint): { readonly [parameter: string]: JsonValue } {
  const { kind: _, ...parameters } = mint
  return parameters
}

/** How narrow a minted credential must be: never wider than this, however wide the parameters are. */
export type Narrowing = {
  /**
   * What the environment is bound to at this provider (GitHub: repositories; Railway: project and environment;
   * Kubernetes: namespaces; AWS: accounts …). A kind for which none of them means anything and that would mint
   * something unbound answers `impossible`.
   */
  readonly bindings: readonly { readonly kind: string; readonly id: string }[]
  /** Nothing but reads will be done with it. */
  readonly readOnly: boolean
  /** How long it should live, in seconds; a kind takes the nearest that the provider mints, and says what it got. */
  readonly seconds: number
}

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

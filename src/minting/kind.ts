/**
 * What one kind of minting is: from a secret that lies in the vault (an App's private key, a service account's key, a
 * refresh token) and parameters that an admin stated, a credential that lives for minutes and can do no more than was
 * asked. A kind is pure but for the one function it is given to speak through, which reaches nothing but the origins
 * that the kind itself names.
 */
import type { TSchema } from 'typebox'
import type { Narrowing } from '../core/mint.ts'

export type { Narrowing } from '../core/mint.ts'

/**
 * One exchange with a provider or its token service. Goes through the broker's own egress (address checks, time-outs,
 * 1 MiB). Redirects are answers like any other. Rejects where nothing answered.
 */
export type Exchange = (request: {
  readonly origin: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}) => Promise<{ readonly status: number; readonly text: string }>

export type MintInput<P> = {
  readonly parameters: P
  readonly secret: string
  /** The credential's own. */
  readonly origin: string
  readonly narrowing: Narrowing
  readonly exchange: Exchange
  /** Milliseconds since the epoch. */
  readonly now: number
  /** The correlation it is minted under; it goes where the provider's own log has a place for it. */
  readonly cause?: string
}

export type MintRefusal = {
  readonly ok: false
  /**
   * `rejected`: the provider said no, and would again. `unavailable`: nobody answered, or with an error of their own.
   * `impossible`: it cannot be as narrow as asked, or what came back was wider.
   */
  readonly why: 'rejected' | 'unavailable' | 'impossible'
  /** For the log and for an admin. Never a secret; a provider's words, which may quote one, only as `quoted` has them. */
  readonly detail: string
  /** The secret itself is worth nothing any more (`invalid_grant`): nothing will mint with it again. */
  readonly dead?: true
  /** Nothing was asked for yet: of what does not end by itself, it is certain that there is none. */
  readonly nothing?: true
  /** As in `Minted`: what came back was refused, and what replaces the secret came with it. */
  readonly rotated?: string
}

export type Minted =
  | {
      readonly ok: true
      /** In the form that the injection's style needs. */
      readonly token: string
      /** Milliseconds since the epoch. */
      readonly expiresAt: number
      /** Not secret; by which the provider revokes it. */
      readonly handle?: string
      /** Replaces the secret in the vault: OAuth 2 refresh-token rotation. Only of a kind that is `exclusive`. */
      readonly rotated?: string
    }
  | MintRefusal

export type MintKindName =
  'github_app' | 'aws_sts' | 'gcp' | 'railway' | 'kubernetes' | 'oauth_refresh'

export type Revoked = { readonly ok: true } | { readonly ok: false; readonly detail: string }

export type MintKind<P = never> = {
  readonly name: MintKindName
  /** The providers it is for; undefined: any whose credential travels as a bearer. */
  readonly providers: readonly string[] | undefined
  /** A closed TypeBox schema of what the admin states; nothing in it is secret. It has no member `kind`. */
  readonly parameters: TSchema
  /** Where the secret is text of several lines (PEM, JSON): else it is visible ASCII. */
  readonly multiline?: true
  /** Where what is minted does not travel but signs, as `CarrierStyle.signs` has it: a token in the form of `readAwsKeys`. */
  readonly signs?: 'aws4'
  /** The injection style, by name, that what is minted travels by, where it is not the provider's first. */
  readonly style?: string
  /**
   * Where minting may use the secret up, as a refresh token that rotates: one at a time across all replicas, which share
   * what was minted (sealed, in the database) until it expires.
   */
  readonly exclusive?: true
  /**
   * What is minted does not end by itself: `expiresAt` is our own bound, and `revoke` ends it. Whoever mints keeps a row of
   * it before it is used, and revokes it when it is replaced or its time is over, also after a crash.
   */
  readonly mustRevoke?: true
  /**
   * Whether, with these parameters, it mints what can only read; where absent it always does. Where it does not, `mint` answers
   * `impossible` to `readOnly`: a lease for reads is then refused, and egress, where every request is decided on by itself,
   * asks without.
   */
  narrowsToReads?(parameters: P): boolean
  /**
   * The parts of the secret that must come back in no answer, where they are not those that `secretParts` finds: the key
   * in a PEM, and the members of a JSON object that are called a key, a token, a secret or a password.
   */
  parts?(secret: string): readonly string[]
  /** What is wrong with the two before they are stored; undefined where nothing is. Never quotes the secret. */
  complaint(parameters: P, secret: string): string | undefined
  /** The origins that its exchanges go to, `https` and in plain spelling. The frame allows no other. */
  origins(parameters: P, credentialOrigin: string): readonly string[]
  /** Refusals are values; what it throws (an exchange that rejects, say) counts as `unavailable`. */
  mint(input: MintInput<P>): Promise<Minted>
  /** Ends what was minted, at the provider; absent where the provider cannot (AWS STS, GCP). */
  revoke?(
    input: MintInput<P> & { readonly token: string; readonly handle?: string },
  ): Promise<Revoked>
}

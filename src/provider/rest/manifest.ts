/**
 * How one REST provider is spoken to, and how its environments are told apart: all that differs from one provider to the
 * next beside its catalogue, as data. `restAdapter` makes an adapter of the two.
 */
import type { HandleShape } from '../../core/handle-shape.ts'
import type { CarrierStyle, ProviderAdapter } from '../adapter.ts'
import type { FactRules } from '../facts/rule.ts'

/** Where a kind of id lives. A kind that has no home is denied. `{id}` and `{of}` in a path are encoded segments. */
export type Home =
  /** The id is itself what environments are bound to. */
  | { readonly is: 'place' }
  /**
   * One question; the answer's values at `at` are ids of the kind `of`. `same` names the field of the answer that must
   * be the id that was asked about, so that a server that reads ids loosely cannot answer about another. Where the path
   * has an id and `same` is absent, nothing is asked, and the id is unknown.
   */
  | {
      readonly is: 'asked'
      readonly path: string
      readonly at: string
      /** Or the kind that the answer itself names, by what it says there: a snapshot is of a droplet, or of a volume. */
      readonly of:
        string | { readonly at: string; readonly kinds: Readonly<Record<string, string>> }
      readonly same?: string
      /** What else it reaches, where the answer names some: the droplet that an address is assigned to. */
      readonly also?: readonly { readonly at: string; readonly of: string }[]
      /** Where the answer has a value there, it reaches more than it lists: a firewall that goes by tags. */
      readonly unless?: string
      /** Names of this form are the provider's own, the same for everyone, and live nowhere: a public image. */
      readonly provided?: RegExp
    }
  /**
   * The list of what each bound place of the kind `of` holds, read to its end: the id is there as `spelled`. What stands
   * in none of them is not ours to touch.
   */
  | {
      readonly is: 'listed'
      readonly of: string
      readonly path: string
      /** Where the list's items are, to the text that is compared: `resources.*.urn`. */
      readonly items: string
      /** `do:droplet:{id}`. */
      readonly spelled: string
      /** The field whose presence says that there is another page; `page` in the path's query is counted up. */
      readonly next: string
    }

/** Which environment the credential itself is, where its key says so. */
export type Self =
  /** Whatever the key reaches is the environment: it is bound as `key:own`. */
  | { readonly is: 'key' }
  /** Asked from the provider: the value at `at`, spelled by `as`, is an id of the kind `of`. */
  | {
      readonly is: 'asked'
      readonly path: string
      readonly at: string
      readonly of: string
      readonly as?: Readonly<Record<string, string>>
    }

export type RestManifest = {
  readonly name: string
  /** None where everybody runs their own: each credential then states its origin. */
  readonly origins: readonly string[]
  readonly pathPrefixes: readonly string[]
  readonly carriers: readonly CarrierStyle[]
  /** What a token looks like to the provider's clients, where they look at that. */
  readonly handle?: HandleShape
  readonly injections: readonly CarrierStyle[]
  readonly bindings: ProviderAdapter['bindings']
  /** True where the provider compares bound ids without regard to case. */
  readonly caseless?: boolean
  /** The member of an answer by which the provider's clients know an error, where the status does not tell them. */
  readonly errorMember?: string
  /** The provider's own form of an error, around a problem (RFC 9457), where its clients read no other. */
  readonly errorAnswer?: ProviderAdapter['errorAnswer']
  /** Constant headers that the provider insists on. */
  readonly headers: Readonly<Record<string, string>>
  /** Request headers that mean something, idempotency keys among them, and what each may hold. */
  readonly meaningfulHeaders: Readonly<Record<string, RegExp>>
  /**
   * Request headers that switch who acts, or in whose name: the credential alone says so. A request with one is refused;
   * `impersonate-extra-*` is a prefix.
   */
  readonly refusedHeaders: readonly string[]
  /** The same as a field of the query, or of the outermost object of the body: a key beside ours, a method, an account. */
  readonly refusedFields?: RegExp
  /** Media types that an `Accept` may name, with their parameters; `application/vnd.x*` is a prefix of those without. */
  readonly accepts: readonly string[]
  /** Media types of bodies that are JSON to this provider, beside application/json. */
  readonly jsonTypes?: readonly string[]
  /** Media types of bodies that are YAML to this provider: read where they are written as JSON, which is YAML too. */
  readonly yamlTypes?: readonly string[]
  readonly bodyLimit: number
  readonly homes: Readonly<Record<string, Home>>
  readonly self?: Self
  /** What a person is told before they decide, and which backups of it there are. */
  readonly facts?: FactRules
  /** Headers of answers by which the provider says how much is left, for documentation and for the agent. */
  readonly rateLimitHeaders: readonly string[]
  /** The request header that makes a write safe to repeat, where there is one. */
  readonly idempotencyHeader?: string
}

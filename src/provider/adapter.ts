/**
 * What a provider's adapter does: turns a request into the operations it is (`identify`), and says which places they
 * touch (`locate`). An adapter holds no state of a request, sees no credential, and performs no I/O of its own: it asks
 * through the `Ask` it is handed.
 */
import type { ShownFacts } from '../core/approval-facts.ts'
import type { HandleShape } from '../core/handle-shape.ts'
import type { Invocation, Located, Place } from '../core/operation.ts'
import type { Precondition, PreconditionAnswer, PreconditionName } from '../core/precondition.ts'

/** A request as it arrived, after the broker took its own prefix off the target. */
export type ProviderRequest = {
  readonly method: string
  /** The raw path as sent, beginning with `/`, still percent-encoded; without query. At most 8 KiB. */
  readonly path: string
  /** The raw query without its `?`; absent where there was no `?` at all. */
  readonly query: string | undefined
  /** Lower-case names. A name that came twice is refused before this point, but for those that are lists. */
  readonly headers: Readonly<Record<string, string>>
  /** The whole body, already within the cap; empty where there was none. */
  readonly body: Buffer
}

/** A request rebuilt from what was decided on. The broker adds the host, the credential and the framing. */
export type RebuiltRequest = {
  readonly method: string
  /** Path and query, percent-encoded by us. */
  readonly target: string
  /** Lower-case names; only headers that the provider's manifest calls meaningful, and `content-type`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /**
   * Headers that do not leave, and without which `identify` would read this as another request; with them and the rest it
   * reads the same. They are part of what a person approves, so that the same request has the same ones, each time: no
   * capability, no signature, no date.
   */
  readonly readBy?: Readonly<Record<string, string>>
  /**
   * Where a credential signs requests: the scope of the signature, and which of the provider's hosts it is for. `pin`: the
   * one of the provider's origins that stands for that host; a credential that is pinned to another signs nothing for it.
   */
  readonly signing?: {
    readonly service: string
    readonly region: string
    readonly origin: string
    readonly pin: string
  }
}

export type Identified =
  | {
      readonly ok: true
      readonly invocations: readonly Invocation[]
      readonly request: RebuiltRequest
    }
  | { readonly ok: false; readonly refusal: IdentifyRefusal }

/** Why a request was not understood. `detail` is a sentence for the agent; it quotes at most 100 characters of input. */
export type IdentifyRefusal = {
  readonly code:
    | 'not_understood'
    | 'operation_unknown'
    | 'method_not_allowed'
    | 'unsupported_media_type'
    | 'payload_too_large'
    | 'uri_too_long'
  readonly detail: string
}

/**
 * One question to the provider, with the broker's credential. Bounded in time and size by the caller, recorded in the
 * audit log as the broker's own. `json` is undefined where the answer was not JSON or could not be had, and then `text`
 * is the answer, where it is UTF-8. A question about the credential itself, such as whose it is, is asked by the `acting`
 * one, also where look-ups have one of their own.
 */
export type Ask = (
  question: RebuiltRequest,
  by?: 'acting',
) => Promise<{ readonly status: number; readonly json: unknown; readonly text?: string }>

export type LocateContext = {
  readonly ask: Ask
  /** True for destructive, admin and secret operations: an answer fetched for this request, never a cached one. */
  readonly fresh: boolean
  /** What answers may be cached under: no two credentials share one. Includes the credential's version. */
  readonly cacheKey: string
  /** What answers about the acting credential itself may be cached under; they are not kept where it is absent. */
  readonly actingKey?: string
  /** The places of the capability's own environment, from the directory. */
  readonly bound: ReadonlySet<Place>
}

/** One operation as the catalogue lists it. */
export type CatalogueEntry = {
  readonly name: string
  readonly root?: Invocation['root']
  readonly effects: Invocation['effects']
  readonly scope: Invocation['scope']
  /** Shipped denied: what it does could not be told. */
  readonly denied?: boolean
  /**
   * A digest of what else decides about it: scope, ids, conditions. Where it changes, the operation is another to a grant
   * that was reviewed before.
   */
  readonly fingerprint?: string
}

/** How a credential goes out, and how a capability may come in. */
export type CarrierStyle = {
  readonly name: string
  /** Lower-case header. */
  readonly header: string
  /** What stands before the token: `Bearer `, `token `, or nothing. */
  readonly prefix: string
  /** An injection where the credential is a key pair, which signs the request and does not travel in it. */
  readonly signs?: 'aws4'
}

/** The body of an error, as text, and its media type. */
export type ErrorAnswer = { readonly contentType: string; readonly body: string }

export type ProviderAdapter = {
  /** `railway`: the name in `/proxy/<name>/…` and in grants. */
  readonly name: string
  /** The version of the compiled catalogue: a digest of its content. */
  readonly catalogueVersion: string
  /** The origins the real provider answers on, such as `https://api.github.com`; a credential is pinned to one, by default the first. None where everybody runs their own: each credential states its origin. */
  readonly origins: readonly string[]
  /** Path prefixes that clients of this provider put before its own paths when pointed at another host: `/api/v3` for GitHub. Longest first; may be empty. */
  readonly pathPrefixes: readonly string[]
  /** The request header, in lower case, by which the provider knows a request that is sent again; clients invent its values. */
  readonly idempotencyHeader?: string | undefined
  /**
   * Whether a `Link` of an answer that names the path `named` means what was asked as `asked`: GitHub names the pages of
   * `/repos/o/r/pulls` as `/repositories/7/pulls`. A link is followed as a request of its own, and decided on anew.
   */
  readonly samePath?: (asked: string, named: string) => boolean
  /** How a capability may arrive; two carriers in one request are refused. */
  readonly carriers: readonly CarrierStyle[]
  /** What a capability looks like as a handle, where the provider's clients look at that; else as `defaultHandle` does. */
  readonly handle?: HandleShape
  /** How a credential of each style goes out; the first is the default. */
  readonly injections: readonly CarrierStyle[]
  /** Kinds of provider-side ids that an environment may be bound to, and the shape of each. */
  readonly bindings: readonly {
    readonly kind: string
    readonly pattern: string
    readonly example: string
  }[]
  /** The member by which this provider's clients know an error from an answer; a refusal then has it too. */
  readonly errorMember?: string
  /**
   * A refusal in the provider's own form of an error, where its clients read no other. `problem` (RFC 9457) must stand in
   * it whole. `headers` are the request's, as in `ProviderRequest`; nobody may be known to have sent them. Undefined where
   * they do not tell which form it is: then the problem goes out as it is.
   */
  readonly errorAnswer?: (
    problem: Readonly<Record<string, unknown>>,
    headers: ProviderRequest['headers'],
  ) => ErrorAnswer | undefined
  /** Constant headers the provider insists on, such as `user-agent` for GitHub. */
  readonly headers: Readonly<Record<string, string>>
  /** The largest body it will understand, in bytes. */
  readonly bodyLimit: number
  operations(): Iterable<CatalogueEntry>
  /** Whether `name` (as a verb names it) is in the catalogue; a bare name that exists twice is ambiguous. */
  find(name: string): CatalogueEntry | 'ambiguous' | undefined
  /** Loads what `identify` needs and what cannot be loaded at once, such as a parser; awaited before the first `identify`. */
  prepare?(): Promise<void>
  identify(request: ProviderRequest): Identified
  /** Normalises a bound id as `locate` spells it: GitHub lower-cases names. */
  bindingPlace(kind: string, id: string): Place
  locate(invocation: Invocation, context: LocateContext): Promise<Located> | Located
  /**
   * Called with the operations of a request that may have left, when its answer begins and when it is over, however it
   * ended; `keys` are those that it was located with. What a write's credential was told before is not believed after it.
   */
  delivered?(
    invocations: readonly Invocation[],
    keys: Pick<LocateContext, 'cacheKey' | 'actingKey'>,
  ): void
  /** The read-only operations of its catalogue by which `facts` and `check` ask; they ask by no others. */
  readonly asks?: readonly string[]
  /**
   * What a person is told about the objects of a request for which they have to decide, and about what would be lost.
   * Asked anew each time, with a bounded number of questions in a bounded time. Never rejects: what could not be asked is
   * a fact that says so, never a zero. Texts are as the provider has them, quoted as JSON within others.
   */
  facts?(invocations: readonly Invocation[], context: LocateContext): Promise<ShownFacts>
  /** The preconditions that `check` can say anything about. */
  readonly preconditions?: readonly PreconditionName[]
  /** Whether a precondition holds for a request. Bounded like `facts`; never rejects. */
  check?(
    precondition: Precondition,
    invocations: readonly Invocation[],
    context: LocateContext,
  ): Promise<PreconditionAnswer>
  /**
   * Asked when a credential is stored: what it can reach, so that one that reaches more than its environment is warned
   * about. `undefined` where the provider does not say.
   */
  reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach>
  /** The names of secret-bearing fields minted in an answer, for sealing: `projectTokenCreate` → the string at `data.<alias>`. */
  minted?(invocation: Invocation): MintedSecret | undefined
  /**
   * Fields of the JSON answer that carry credentials the provider holds: paths from the root, `*` for every member of a
   * list or object, `**` for any depth. They come back redacted, unless the invocation has the effect `secret`.
   */
  revealed?(invocation: Invocation): readonly (readonly string[])[] | undefined
}

export type Reach =
  | { readonly kind: 'within' }
  | { readonly kind: 'wider'; readonly detail: string }
  | { readonly kind: 'rejected'; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string }

/** Where in the JSON answer a credential that the provider minted stands. Every path, from the root. */
export type MintedSecret = { readonly paths: readonly (readonly string[])[] }

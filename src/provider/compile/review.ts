/**
 * What people reviewed of one provider: the words its rules need, and corrections operation by operation. `compile`
 * refuses a name that the description does not have, so that a renamed operation cannot silently lose its review.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect, ResourceRole } from '../../core/operation.ts'

/** Which argument is an id, of what, in which role. The first rule that fits an argument counts. */
export type IdRule = {
  /** A dotted path into the arguments: `droplet_id`, `body.volumes.*`; or `*_uuid`-like names by `names`. */
  readonly at: string
  /** Only where the operation's path begins with this. */
  readonly under?: string
  /** Absent: it is no id that could lead elsewhere (an id inside of what the path already names, a template …). */
  readonly kind?: string
  /** `target` where absent. */
  readonly role?: ResourceRole
}

export type Review = {
  /** The description and its version: `digitalocean/openapi 7c1300c4`. */
  readonly source: string
  /** Segments of paths under which a change changes who may do what, beside the general ones. */
  readonly governing?: readonly string[]
  /** Segments of paths whose answers reveal credentials, beside the general ones. */
  readonly revealing?: readonly string[]
  /** Segments that the general lists hold and that mean something else here. */
  readonly harmless?: readonly string[]
  /** The whole effects of an operation, in place of what the rules give. */
  readonly effects?: Readonly<Record<string, readonly Effect[]>>
  /** Refused to everyone, and why. Each completes "`operation` is refused to everyone: …". */
  readonly denied?: Readonly<Record<string, string>>
  /** Metadata of the provider itself, the same for whoever asks. */
  readonly public?: readonly string[]
  /** Of the account as a whole, although an id of it could be located. */
  readonly account?: readonly string[]
  readonly conditions?: Readonly<Record<string, readonly Condition[]>>
  /** Conditions of every operation: fields that the provider reads everywhere. */
  readonly everywhere?: readonly Condition[]
  /** Fields of answers that carry credentials, beside what the schema's walk finds: dotted paths from the root. */
  readonly reveals?: Readonly<Record<string, readonly string[]>>
  /** Names of fields that carry credentials wherever in an answer they stand. */
  readonly revealsAnywhere?: readonly string[]
  /** Fields that the schema's walk takes for credentials and that are none, by their last name. */
  readonly revealsNot?: readonly string[]
  readonly ids?: readonly IdRule[]
  /**
   * What an operation touches where its argument `at`, an id of the kind `kind`, is absent: something of the kind `means`,
   * such as the account's default project. The argument may be one that the operation does not have at all.
   */
  readonly absent?: Readonly<
    Record<string, { readonly at: string; readonly kind: string; readonly means: string }>
  >
  /** True where the credential itself is the environment: every operation touches it, and nothing else. */
  readonly credentialIsEnvironment?: boolean
  /** Answers that are bytes: `Range` may split them. */
  readonly opaqueAnswers?: readonly string[]
  /** Parameters that hold a `/`: `{path}` up to and with the parameter. */
  readonly slashParameters?: readonly string[]
  /** Other spellings of the same operation. */
  readonly also?: Readonly<Record<string, readonly string[]>>
  /** Two spellings of one request: the first is catalogued for its name, and never found. */
  readonly sameAs?: Readonly<Record<string, string>>
}

/** The same effects for several operations. */
export function each(
  effects: readonly Effect[],
  names: readonly string[],
): Readonly<Record<string, readonly Effect[]>> {
  return Object.fromEntries(names.map((name) => [name, effects]))
}

/** A path of the body at every depth down to `deepest`, for fields that stand in many places: `body.x`, `body.*.x` … */
export function inBody(name: string, deepest: number): readonly string[] {
  return Array.from({ length: deepest + 1 }, (_, depth) => `body${'.*'.repeat(depth)}.${name}`)
}

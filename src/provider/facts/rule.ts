/**
 * What a manifest can say of the facts that a person is told before they decide: which of the provider's own read-only
 * operations is asked, and which fields of its answer are shown, under which label and in which unit. Data, and no code:
 * a rule can ask nothing that the catalogue does not call a plain read, about nothing that the request does not name.
 *
 * A path is dotted, from the root of the answer; `*` is every item of a list.
 */

export type Question = {
  /** An operation of the catalogue whose only effect is `read`. */
  readonly operation: string
  /**
   * Its arguments by name; `{volume_id}` in one is that argument of the request, by its dotted path. One of the path that
   * is not here is the request's of the same name. One of the query that names an argument which the request does not have
   * is left out.
   */
  readonly arguments?: Readonly<Record<string, string>>
  /**
   * What the answer says that it is about, and what that has to be: a server that reads ids loosely must not be heard about
   * something else.
   */
  readonly same?: Same
}

export type Same = { readonly at: string; readonly is: string; readonly caseless?: true }

/** Units that the provider states itself. What counts bytes is told in MB or GB. */
export type Unit = 'GB' | 'MB' | 'KB' | 'bytes'

export type Field = {
  /** `size`; in lower case, it stands in the middle of a line. */
  readonly label: string
  readonly at: string
  readonly unit?: Unit
  /** `time` is ISO 8601, `seconds` since the epoch. */
  readonly as?: 'time' | 'seconds'
}

/** One object, and what of it is told. */
export type ObjectRule = {
  readonly is: 'object'
  /** The operations whose approver is told. */
  readonly of: readonly string[]
  /** `Volume`. */
  readonly what: string
  readonly ask: Question
  /** Where its name stands. */
  readonly name?: string
  /** The kind of the resource that `same` is the id of: the name is then also shown where the object is. */
  readonly kind?: string
  readonly fields: readonly Field[]
}

/** A list, of which the number and the newest are told. */
export type ListRule = {
  readonly is: 'list'
  readonly of: readonly string[]
  /** `Snapshots that survive it`. */
  readonly what: string
  readonly ask: Question
  /** Where the list is; empty where the answer is one. */
  readonly items: string
  /** Items for which this does not hold are not counted. */
  readonly only?: readonly Same[]
  readonly name?: string
  /** When one was made: a list without is told by names. */
  readonly made?: { readonly at: string; readonly as: 'time' | 'seconds' }
  readonly fields?: readonly Field[]
  /** Where the answer has a value there, it goes on: what is told is `at least`. */
  readonly more?: string
  /** Items of a whole page: as many as these may not be all, where only a header would say that it goes on. */
  readonly page?: number
  /**
   * For lists of backups of what the operation destroys: kept outside of it, kept with it and not destroyed by this, or
   * destroyed with it.
   */
  readonly backups?: 'independent' | 'survive' | 'die'
}

export type FactRule = ObjectRule | ListRule

/** What a provider's manifest says of facts. */
export type FactRules = {
  readonly rules: readonly FactRule[]
  /** Destructive operations that destroy no data of which there could be a backup: a firewall, a rule. */
  readonly dataless?: readonly string[]
}

/**
 * The catalogue of a REST provider: every operation with its template, effects, parameters and reviewed conditions. It
 * is data, compiled from the provider's description and our review of it, and its digest is the catalogue's version:
 * nothing that decides about a request is kept outside of it.
 */
import type { Condition } from '../../core/condition.ts'
import type { Effect, OperationScope, ResourceRole } from '../../core/operation.ts'
import type { ValueType } from './query.ts'
import { parseTemplate, type Template } from './template.ts'

/** One operation, as `catalogue.json` has it, but for what several share (see `written.ts`). Absent members mean none. */
export type CompiledOperation = {
  readonly name: string
  readonly method: string
  /** `/repos/{owner|name}/{repo|name}/issues/{issue_number|integer}`: see `parseTemplate`. */
  readonly path: string
  /** Another operation that is the same request: this one is listed, and never found. */
  readonly sameAs?: string
  /** Its path cannot be told from another's, or not be read as a template: it is listed, denied, and never found. */
  readonly unmatched?: boolean
  /** Other spellings of the same operation, with fewer parameters. */
  readonly also?: readonly string[]
  /** Separated by spaces, the base effect first. */
  readonly effects: string
  readonly scope: OperationScope
  /** `page|integer per_page|integer sha ids|list`; `*` where the description does not say, and any may come. */
  readonly query?: string
  /**
   * The names of the body's own members, separated by spaces, `*` where the description does not say; absent where the
   * operation has no body that is read.
   */
  readonly body?: string
  /** The body comes as application/x-www-form-urlencoded, brackets for what is nested. */
  readonly form?: boolean
  /** Media types of a body that is not JSON. */
  readonly upload?: readonly string[]
  /**
   * The ids among its arguments, `path:kind:role`, separated by spaces: `droplet_id:droplet:target`. A fourth part is the
   * kind of what the argument's absence means: `body.project_id:project:target:default_project`.
   */
  readonly ids?: string
  /** Fields of its answer that carry credentials the provider holds: dotted paths from the root, `*` for lists. */
  readonly reveals?: readonly string[]
  /** The answer is bytes, not text with fields: `Range` may split it. */
  readonly opaque?: boolean
  /** Why it is refused whoever asks: what it does could not be told. */
  readonly denied?: string
  readonly conditions?: readonly Condition[]
}

export type CompiledCatalogue = {
  /** The description it was compiled from. */
  readonly source: string
  /** What an argument adds whatever the operation: fields that the provider reads everywhere. */
  readonly conditions?: readonly Condition[]
  /** Names of fields that carry credentials wherever in an answer they stand. */
  readonly revealsAnywhere?: readonly string[]
  readonly operations: readonly CompiledOperation[]
}

/** An argument that is an id, where it stands and what it is. */
export type IdArgument = {
  readonly path: readonly string[]
  readonly kind: string
  readonly role: ResourceRole
  /** The kind of what it means where the argument is absent: the account's default project. */
  readonly absent?: string
}

export type RestOperation = {
  readonly name: string
  readonly method: string
  readonly templates: readonly Template[]
  readonly effects: readonly Effect[]
  readonly scope: OperationScope
  readonly query: ReadonlyMap<string, ValueType> | 'any'
  readonly body: ReadonlySet<string> | 'any' | undefined
  readonly form: boolean
  readonly ids: readonly IdArgument[]
  readonly reveals: readonly (readonly string[])[]
  readonly upload: readonly string[]
  readonly opaque: boolean
  readonly denied: string | undefined
  readonly conditions: readonly Condition[]
  /** Those of the whole catalogue. */
  readonly everywhere: readonly Condition[]
}

/** The paths by which it is found; none for one that is listed only. */
export function templatesOf(compiled: CompiledOperation): readonly Template[] {
  const { path, also = [], sameAs, unmatched } = compiled
  if (sameAs !== undefined || unmatched === true) return []
  return [path, ...also].map(parseTemplate)
}

/** Without the conditions of the whole catalogue, which are not the operation's own. */
export function loadOperation(compiled: CompiledOperation): RestOperation {
  const { name, method, effects, scope, query, body, conditions = [] } = compiled
  // A condition by its name only has no path and adds nothing: a line is made whole before it comes here.
  if (conditions.some((one: unknown) => typeof one === 'string') || 'queryOf' in compiled)
    throw new Error(`${name} refers to what is shared`)
  return {
    name,
    method,
    templates: templatesOf(compiled),
    effects: effects.split(' ') as Effect[],
    scope,
    query:
      query === '*'
        ? 'any'
        : new Map(
            words(query).map((word) => {
              const [key = '', type = 'string'] = word.split('|')
              return [key, type as ValueType]
            }),
          ),
    body: body === undefined ? undefined : body === '*' ? 'any' : new Set(words(body)),
    form: compiled.form ?? false,
    ids: words(compiled.ids).map(loadId),
    reveals: (compiled.reveals ?? []).map((path) => path.split('.')),
    upload: compiled.upload ?? [],
    opaque: compiled.opaque ?? false,
    denied: compiled.denied,
    conditions,
    everywhere: [],
  }
}

function loadId(text: string): IdArgument {
  const [path = '', kind = '', role = 'target', absent] = text.split(':')
  return {
    path: path.split('.'),
    kind,
    role: role as ResourceRole,
    ...(absent === undefined ? {} : { absent }),
  }
}

function words(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(' ')
}

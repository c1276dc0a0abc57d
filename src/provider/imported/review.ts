/**
 * What an admin reviewed of a provider of their own: effects, which arguments are ids of what, what arguments add, where
 * the edges of a GraphQL schema lead. As closed as a manifest.
 */
import Type, { type Static } from 'typebox'
import { effects } from '../../core/operation.ts'
import type { Review } from '../compile/review.ts'
import type { ImportedManifest } from './manifest.ts'
import { At, closed, Kind, keyed } from './shape.ts'

/** As a verb spells it: `query:x` and `mutation:x` where a GraphQL schema has the name twice. */
const operation = '^((query|mutation|subscription):)?[A-Za-z_][A-Za-z0-9_./-]{0,199}$'
const Operation = Type.String({ pattern: operation })
const Operations = Type.Array(Operation, { maxItems: 5_000 })
const Argument = '^[A-Za-z0-9_-]+(\\.([A-Za-z0-9_-]+|\\*))*$'
const Effect = Type.Enum([...effects])
const Segments = Type.Array(Type.String({ pattern: '^[A-Za-z0-9._-]{1,60}$' }), { maxItems: 200 })
const Scalar = Type.Union([
  // The database has no text with a NUL.
  Type.String({ maxLength: 1000, pattern: '^[^\\x00]*$' }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
])
/** Read by people and sent to agents. */
const Sentence = Type.String({ pattern: '^[ -~]{1,200}$' })
const Condition = closed({
  path: Type.Optional(Type.String({ pattern: Argument, maxLength: 200 })),
  equals: Type.Optional(Scalar),
  oneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  noneOf: Type.Optional(Type.Array(Scalar, { minItems: 1, maxItems: 100 })),
  max: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number()),
  contains: Type.Optional(Type.String({ pattern: '^[^\\x00]{1,200}$' })),
  beyond: Type.Optional(
    Type.Array(Type.String({ pattern: '^[!-~]{1,100}$' }), { minItems: 1, maxItems: 200 }),
  ),
  lacks: Type.Optional(Type.String({ pattern: '^[!-~]{1,100}$' })),
  differsFrom: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' })),
  adds: Type.Optional(Type.Array(Effect, { minItems: 1, maxItems: 5, uniqueItems: true })),
  widens: Type.Optional(Sentence),
})

export const ImportedReview = closed({
  effects: Type.Optional(
    keyed(
      operation,
      Type.Array(Effect, {
        minItems: 1,
        maxItems: 4,
        uniqueItems: true,
        description:
          'read or write first, and only one of the two; they replace what the rules give.',
      }),
    ),
  ),
  denied: Type.Optional(keyed(operation, Sentence)),
  public: Type.Optional(Operations),
  account: Type.Optional(Operations),
  open: Type.Optional(
    Type.Array(Operation, {
      maxItems: 5_000,
      description:
        'The description does not say what their query or body may hold, and somebody has looked: none of it is an id that leads elsewhere.',
    }),
  ),
  conditions: Type.Optional(keyed(operation, Type.Array(Condition, { minItems: 1, maxItems: 20 }))),
  ids: Type.Optional(
    Type.Array(
      closed({
        at: Type.String({ pattern: Argument, maxLength: 200 }),
        under: Type.Optional(Type.String({ pattern: '^/[!-~]{0,300}$' })),
        operations: Type.Optional(
          Type.Array(Operation, {
            minItems: 1,
            maxItems: 1_000,
            description: 'Of these alone; in a GraphQL schema.',
          }),
        ),
        kind: Type.Optional(Kind),
        role: Type.Optional(
          Type.Union([
            Type.Literal('target'),
            Type.Literal('container'),
            Type.Literal('environment'),
          ]),
        ),
      }),
      { maxItems: 1_000 },
    ),
  ),
  edges: Type.Optional(
    keyed(
      '^[A-Za-z_][A-Za-z0-9_]{0,199}\\.([A-Za-z_][A-Za-z0-9_]{0,199}|\\*)$',
      Type.Union([Type.Literal('stays'), Type.Literal('widens'), Type.Literal('secret')], {
        description:
          'Of a GraphQL schema, by Type.field or Type.*: whether selecting the field stays inside what was named, reaches outside of it, or reveals a credential.',
      }),
    ),
  ),
  reveals: Type.Optional(keyed(operation, Type.Array(At, { minItems: 1, maxItems: 50 }))),
  reveals_not: Type.Optional(Segments),
  governing: Type.Optional(Segments),
  revealing: Type.Optional(Segments),
  harmless: Type.Optional(Segments),
})
export type ImportedReview = Static<typeof ImportedReview>

/** The review speaks of what is not there. */
export class ReviewError extends Error {
  override name = 'ReviewError'
}

/**
 * The review as the compiler reads it. Its records have no prototype: the compiler looks operations up in them by names
 * that the description chose, and `constructor` is such a name.
 */
export function toReview(
  source: string,
  manifest: ImportedManifest | undefined,
  given: ImportedReview,
): Review {
  const bare = <T>(record: Readonly<Record<string, T>> | undefined): Record<string, T> =>
    Object.assign(Object.create(null) as Record<string, T>, record)
  return {
    source,
    effects: bare(given.effects),
    denied: bare(given.denied),
    conditions: bare(given.conditions),
    reveals: bare(given.reveals),
    also: bare(undefined),
    sameAs: bare(undefined),
    public: given.public ?? [],
    account: given.account ?? [],
    ids: given.ids ?? [],
    revealsNot: given.reveals_not ?? [],
    governing: given.governing ?? [],
    revealing: given.revealing ?? [],
    harmless: given.harmless ?? [],
    ...(manifest?.credential_is_environment === true ? { credentialIsEnvironment: true } : {}),
  }
}

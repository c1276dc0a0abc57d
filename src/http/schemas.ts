/** Shapes that several routes share. Bodies are closed: a member that is not known is an error, never ignored. */
import Type, { type TObject, type TProperties } from 'typebox'
import { effects } from '../core/operation.ts'
import { idPattern, type IdKind } from '../ids.ts'
import { problems } from '../problem.ts'

export function closed<P extends TProperties>(properties: P): TObject<P> {
  return Type.Object(properties, { additionalProperties: false })
}

export const id = (kind: IdKind) => Type.String({ pattern: idPattern(kind) })
export const idParams = (kind: IdKind) => closed({ id: id(kind) })

/** Names of things: printable, without blanks at the ends, nothing that could pose as something else in a log. */
export const Name = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._/@ -]{0,98}[A-Za-z0-9]$|^[A-Za-z0-9]$',
})
/** What a sign-in starts with. */
export const OwnPassword = Type.String({ minLength: 1, maxLength: 1024 })
/** Whether there must be one is for `requirePassword` to say, which knows how the operator signs in. */
export const Password = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 1024,
    description:
      'The operator’s own password, given again. Who signs in at an identity provider has none: docs/operators.md.',
  }),
)
export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, in UTC.' })
export const State = Type.Union([
  Type.Literal('active'),
  Type.Literal('disabled'),
  Type.Literal('revoked'),
])
export const Role = Type.Union([
  Type.Literal('admin'),
  Type.Literal('approver'),
  Type.Literal('auditor'),
])
export const ProviderName = Type.String({ pattern: '^[a-z0-9-]{1,40}$' })
export const Effect = Type.Union(effects.map((effect) => Type.Literal(effect)))
export const Verb = Type.String({ minLength: 1, maxLength: 200 })

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Union(
      (Object.keys(problems) as (keyof typeof problems)[]).map((code) => Type.Literal(code)),
    ),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() }), {
        description: 'Where the request was wrong, as JSON Pointers (RFC 6901).',
      }),
    ),
    correlation_id: Type.Optional(Type.String()),
  },
  { $id: 'Problem', additionalProperties: true, description: 'RFC 9457 problem details.' },
)
export const ProblemRef = Type.Ref('Problem')

/** Every route answers with its own shape or with a problem. */
export function answers<S extends TProperties[string]>(status: 200 | 201, schema: S) {
  return { [status]: schema, default: ProblemRef } as const
}

export const Empty = closed({})

export const PageQuery = {
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|1[0-9][0-9]|200)$',
      description: '1 to 200; 50 by default.',
    }),
  ),
  cursor: Type.Optional(
    Type.String({ maxLength: 500, description: 'next_cursor of the page before.' }),
  ),
}

export function page<S extends TProperties[string]>(item: S) {
  return Type.Object({ items: Type.Array(item), next_cursor: Type.Optional(Type.String()) })
}

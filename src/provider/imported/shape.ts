/** The shapes that a manifest and a review are made of: closed objects, and names that can name nothing but themselves. */
import Type, { type TProperties, type TSchema } from 'typebox'

export function closed<P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false })
}

/** Keys that the pattern does not name, `__proto__` with two underscores among them, are refused. */
export function keyed<S extends TSchema>(pattern: string, value: S) {
  return Type.Record(Type.String({ pattern }), value, {
    additionalProperties: false,
    maxProperties: 5_000,
  })
}

export const kind = '^[a-z][a-z0-9_-]{0,39}$'
export const Kind = Type.String({ pattern: kind })
/** Into an answer: `data.*.id`. */
export const At = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*(\\.([A-Za-z0-9][A-Za-z0-9_-]*|\\*))*$',
  maxLength: 200,
})

/** What a capability says (RFC 9068, with RFC 9396 authorization details), and the shape it must have to be read. */
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { idPattern } from '../ids.ts'

/** The `type` of our authorization details (RFC 9396 §2). */
export const detailsType = 'valetkey'

/** Seconds: the default and the longest lifetime. */
export const defaultLifetime = 300
export const longestLifetime = 900
export const mostVerbs = 64

export const CapabilityDetails = Type.Object(
  {
    type: Type.Literal(detailsType),
    provider: Type.String({ pattern: '^[a-z0-9-]{1,40}$' }),
    /** The environment's id. */
    environment: Type.String({ pattern: idPattern('environment') }),
    verbs: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
      minItems: 1,
      maxItems: mostVerbs,
    }),
  },
  { additionalProperties: false },
)

/** RFC 7800 §3.1, with the SHA-256 thumbprint of RFC 7638 as its only way of naming a key. */
export const Confirmation = Type.Object(
  { jkt: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) },
  { additionalProperties: false },
)
export type Confirmation = Static<typeof Confirmation>

/*
 * Closed: a claim that this version does not know might be a limit, as `cnf` is one, and a limit that is not understood
 * must not be ignored.
 */
export const CapabilityClaims = Type.Object(
  {
    iss: Type.String(),
    aud: Type.String(),
    sub: Type.String({ pattern: idPattern('agent') }),
    client_id: Type.String({ pattern: idPattern('agent') }),
    jti: Type.String({ pattern: idPattern('capability') }),
    iat: Type.Integer({ minimum: 0 }),
    exp: Type.Integer({ minimum: 0 }),
    grant: Type.String({ pattern: idPattern('grant') }),
    /** The trust rule by which a workload came by it; it ends with the rule. Absent where an agent did, with its key. */
    rule: Type.Optional(Type.String({ pattern: idPattern('trustRule') })),
    /** The number of the environment's binding when it was issued. */
    binding: Type.Integer({ minimum: 0 }),
    /** RFC 9449 §6.1: the key that it is bound to. Without it, it is a bearer's. */
    cnf: Type.Optional(Confirmation),
    authorization_details: Type.Array(CapabilityDetails, { minItems: 1, maxItems: 1 }),
  },
  { additionalProperties: false },
)

export type CapabilityClaims = Static<typeof CapabilityClaims>

const check = Compile(CapabilityClaims)

export function isCapabilityClaims(value: unknown): value is CapabilityClaims {
  return check.Check(value)
}

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

/** How many agents may act one for the other, besides the one whose grant it is. */
export const mostActors = 4
/** How often a capability may be exchanged for a narrower one, and that for another. */
export const mostAncestors = 8

// Written out, so that a chain that is too long is none of ours, and nothing walks a deep one.
const Sub = { sub: Type.String({ pattern: idPattern('agent') }) }
const closed = { additionalProperties: false }
/** `rule`: the trust rule by which that one showed who it is, where it has no key of its own; it ends with the rule. */
const Actor = { ...Sub, rule: Type.Optional(Type.String({ pattern: idPattern('trustRule') })) }
const Act1 = Type.Object(Actor, closed)
const Act2 = Type.Object({ ...Actor, act: Type.Optional(Act1) }, closed)
const Act3 = Type.Object({ ...Actor, act: Type.Optional(Act2) }, closed)
const Act = Type.Object({ ...Actor, act: Type.Optional(Act3) }, closed)
const MayAct1 = Type.Object(Sub, closed)
const MayAct2 = Type.Object({ ...Sub, may_act: Type.Optional(MayAct1) }, closed)
const MayAct3 = Type.Object({ ...Sub, may_act: Type.Optional(MayAct2) }, closed)
const MayAct = Type.Object({ ...Sub, may_act: Type.Optional(MayAct3) }, closed)

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
    /** RFC 8693 §4.1: who acts for `sub`, and for whom that one does. `client_id` is who acts. */
    act: Type.Optional(Act),
    /** RFC 8693 §4.4: who may exchange it to act for its holder, and whom that one may let act in turn. */
    may_act: Type.Optional(MayAct),
    /** What it was exchanged from, the oldest first, and what its actors showed for it: it is revoked with any of them. */
    ancestors: Type.Optional(
      Type.Array(Type.String({ pattern: idPattern('capability') }), {
        minItems: 1,
        maxItems: mostAncestors,
      }),
    ),
    authorization_details: Type.Array(CapabilityDetails, { minItems: 1, maxItems: 1 }),
  },
  { additionalProperties: false },
)

export type CapabilityClaims = Static<typeof CapabilityClaims>

const check = Compile(CapabilityClaims)

export function isCapabilityClaims(value: unknown): value is CapabilityClaims {
  return check.Check(value)
}

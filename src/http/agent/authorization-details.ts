/** Reads `authorization_details` (RFC 9396 §2) as an agent sends them: what it would like, all of it optional. */
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { detailsType, longestLifetime, mostActors, mostVerbs } from '../../capability/claims.ts'
import { parseJson } from '../../core/json.ts'
import { idPattern } from '../../ids.ts'

/** A handle is an opaque text that looks like a token of its provider's, for clients that refuse a JWT. */
export const tokenForms = ['jwt', 'handle'] as const

const Asked = Type.Object(
  {
    type: Type.Literal(detailsType),
    provider: Type.Optional(Type.String({ maxLength: 40 })),
    /** Its name or its id. */
    environment: Type.Optional(Type.String({ maxLength: 100 })),
    grant: Type.Optional(Type.String({ pattern: idPattern('grant') })),
    verbs: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: mostVerbs,
      }),
    ),
    /** Seconds. */
    lifetime: Type.Optional(Type.Integer({ minimum: 1, maximum: longestLifetime })),
    /** Who may act for its holder: the first for the holder, the second for the first … */
    may_act: Type.Optional(
      Type.Array(Type.String({ pattern: idPattern('agent') }), {
        minItems: 1,
        maxItems: mostActors,
      }),
    ),
    /** What it comes as; a JWT where nothing is said. */
    token: Type.Optional(Type.Union(tokenForms.map((form) => Type.Literal(form)))),
  },
  { additionalProperties: false },
)
const AskedList = Type.Array(Asked, { minItems: 1, maxItems: 1 })

export type AskedDetails = Static<typeof Asked>

export function readAuthorizationDetails(
  text: string | undefined,
): { readonly details: AskedDetails | undefined } | { readonly error: string } {
  if (text === undefined) return { details: undefined }
  const parsed = parseJson(Buffer.from(text))
  if (!parsed.ok) return { error: `authorization_details is not JSON: ${parsed.detail}` }
  if (!Value.Check(AskedList, parsed.value)) {
    const [error] = Value.Errors(AskedList, parsed.value)
    return {
      error:
        `authorization_details must be an array of one object with type "${detailsType}" and, of your choice, provider, ` +
        `environment, grant, verbs, may_act (agents’ ids), lifetime (seconds, at most ${String(longestLifetime)}) and token (${tokenForms.join(' or ')})` +
        (error === undefined ? '' : `: ${error.instancePath} ${error.message}`),
    }
  }
  return { details: parsed.value[0] }
}

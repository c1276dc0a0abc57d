/**
 * An approver's proof as it comes over HTTP, and how a refused one is answered: the log says exactly what was wrong, the
 * answer says what its sender can act on.
 */
import Type, { type Static } from 'typebox'
import type { FastifyRequest } from 'fastify'
import { fingerprintOf } from '../approval/cose-key.ts'
import type { Evidence } from '../approval/evidence.ts'
import type { DecisionProof, ProofRefusal } from '../approval/proof.ts'
import type { PasskeyId } from '../ids.ts'
import { Problem, type ProblemCode } from '../problem.ts'
import type { Deps } from './deps.ts'
import { adminEntry } from './operator-auth.ts'
import { closed } from './schemas.ts'

const Bytes = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]+$', description: 'Base64url.' })
const Extensions = Type.Object({}, { additionalProperties: true })
const envelope = {
  id: Bytes(1_400),
  rawId: Bytes(1_400),
  type: Type.Literal('public-key'),
  authenticatorAttachment: Type.Optional(
    Type.Union([Type.Literal('platform'), Type.Literal('cross-platform'), Type.Null()]),
  ),
  clientExtensionResults: Type.Optional(Extensions),
}

/** AuthenticationResponseJSON (WebAuthn Level 3 §5.1). */
export const AssertionBody = closed({
  ...envelope,
  response: closed({
    clientDataJSON: Bytes(4_096),
    authenticatorData: Bytes(2_048),
    signature: Bytes(2_048),
    userHandle: Type.Optional(Type.Union([Bytes(100), Type.Null()])),
  }),
})

/** RegistrationResponseJSON (WebAuthn Level 3 §5.1). */
export const RegistrationBody = closed({
  ...envelope,
  response: closed({
    clientDataJSON: Bytes(4_096),
    attestationObject: Bytes(16_384),
    authenticatorData: Type.Optional(Bytes(8_192)),
    transports: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 10 })),
    publicKeyAlgorithm: Type.Optional(Type.Integer()),
    publicKey: Type.Optional(Type.Union([Bytes(4_096), Type.Null()])),
  }),
})

export const CodeBody = Type.String({ pattern: '^[0-9]{6}$', description: 'A one-time code.' })

/** Members of a body that proves a decision: one of the two. */
export const proofMembers = {
  assertion: Type.Optional(AssertionBody),
  code: Type.Optional(CodeBody),
}

/** Throws a `Problem` where there is neither, or both. */
export function proofOf(body: {
  readonly assertion?: Static<typeof AssertionBody>
  readonly code?: string
}): DecisionProof {
  const { assertion, code } = body
  if (assertion !== undefined && code === undefined) return { kind: 'passkey', assertion }
  if (code !== undefined && assertion === undefined) return { kind: 'one_time_code', code }
  throw new Problem('invalid_request', {
    detail: 'a decision is proven with a passkey or with a one-time code: exactly one of them',
    errors: [{ pointer: '/assertion', detail: 'or /code must be there, and not both' }],
  })
}

const said: Readonly<Record<ProofRefusal, readonly [ProblemCode, string]>> = {
  malformed: ['invalid_request', 'what the passkey gave cannot be read'],
  another_passkey: ['forbidden', 'that is another passkey’s answer'],
  another_operator: ['forbidden', 'that passkey is not yours'],
  no_such_passkey: ['forbidden', 'you have no such passkey'],
  wrong_type: ['forbidden', 'that is no answer to what was asked'],
  wrong_challenge: [
    'forbidden',
    'what was signed is not this decision about this request: read it again, and decide again',
  ],
  wrong_origin: ['forbidden', 'that was signed on a page which is not this broker’s'],
  framed: ['forbidden', 'that was signed on a page inside another site’s frame'],
  wrong_relying_party: ['forbidden', 'that was signed for another host'],
  user_not_present: ['forbidden', 'the authenticator was not touched'],
  user_not_verified: [
    'forbidden',
    'the authenticator did not verify you: it needs a PIN or biometrics',
  ],
  unsupported_key: ['forbidden', 'the passkey’s key is of a kind that is not accepted'],
  wrong_signature: ['forbidden', 'the signature is not good'],
  counter_went_back: [
    'forbidden',
    'this passkey has signed with a higher count before: there may be a copy of it. Remove it, and register another',
  ],
  no_code_enrolled: ['forbidden', 'no one-time codes are set up for you'],
  too_many_attempts: ['rate_limited', 'five codes were tried within a minute; wait a minute'],
  wrong_code: ['forbidden', 'that code is not good'],
  code_used: ['forbidden', 'that code was used already: wait for the next one'],
}

/**
 * Records why a proof was refused, and gives the problem to throw. Outside of any transaction: what was refused stays on
 * record.
 */
export async function refusedProof(
  deps: Deps,
  request: FastifyRequest,
  refused: { readonly refusal: ProofRefusal; readonly passkeyId?: PasskeyId | undefined },
  subject?: string,
): Promise<Problem> {
  const { refusal, passkeyId } = refused
  await deps.audit.append(
    adminEntry(deps, request, {
      result: 'refused',
      reason: refusal,
      ...(subject === undefined ? {} : { subject }),
      ...(passkeyId === undefined ? {} : { change: { passkey: passkeyId } }),
    }),
  )
  return proofProblem(refusal)
}

/** What is said of a refusal, where it is recorded by whoever throws it. */
export function proofProblem(refusal: ProofRefusal): Problem {
  const [code, detail] = said[refusal]
  return new Problem(code, detail)
}

/** By which key, for whoever checks the evidence against the log. */
export function proofChange(evidence: Evidence) {
  if (evidence.kind === 'one_time_code') return { kind: evidence.kind }
  const { id, publicKey } = evidence.passkey
  const fingerprint = fingerprintOf(Buffer.from(publicKey, 'base64url'))
  return { kind: evidence.kind, passkey: id, fingerprint }
}

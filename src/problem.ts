/**
 * The closed table of problem codes (RFC 9457). A code is a promise to clients: it is never renamed and never
 * changes its status. `docs/problems.md` and `openapi.yaml` are held equal to this table by a test.
 */
export const problems = {
  // What was sent could not be read.
  invalid_request: { status: 400, title: 'The request is not valid' },
  not_understood: { status: 400, title: 'The request is not wholly understood' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'The method is not supported here' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  payload_too_large: { status: 413, title: 'The body is too large to be understood' },
  uri_too_long: { status: 414, title: 'The request target is too long' },
  unsupported_media_type: { status: 415, title: 'The media type is not one that is read here' },
  expectation_failed: { status: 417, title: 'Expectations are not supported' },
  header_fields_too_large: { status: 431, title: 'There are too many header fields' },

  // Who sent it.
  capability_missing: { status: 401, title: 'A capability is needed' },
  capability_invalid: { status: 401, title: 'The capability is not valid' },
  capability_expired: { status: 401, title: 'The capability has expired' },
  capability_revoked: { status: 401, title: 'The capability has been revoked' },
  dpop_proof_invalid: { status: 401, title: 'The DPoP proof is missing or not valid' },
  dpop_nonce_required: { status: 401, title: 'The DPoP proof must have a nonce of this broker' },
  sign_in_required: { status: 401, title: 'An operator must sign in' },
  forbidden: { status: 403, title: 'Whoever asks may not do this' },
  password_required: { status: 403, title: 'The password must be given again' },
  fresh_sign_in_required: { status: 403, title: 'The operator must sign in afresh' },
  passwords_off: { status: 403, title: 'Operators have no passwords here' },

  // What it would do.
  operation_unknown: { status: 403, title: 'The operation is not in the catalogue' },
  verb_missing: { status: 403, title: 'The capability does not cover this operation' },
  environment_outside: {
    status: 403,
    title: 'The request touches something outside its environment',
  },
  environment_unresolved: {
    status: 403,
    title: 'What the request touches could not be established',
  },
  argument_forbidden: { status: 403, title: 'The grant does not allow this argument' },
  approval_required: { status: 403, title: 'A person must approve this request' },
  not_approvable: { status: 403, title: 'No person can approve this request' },
  approval_denied: { status: 403, title: 'The request was refused by a person' },
  approval_used: { status: 409, title: 'The approval is used up' },
  approval_limited: { status: 429, title: 'Too much waits for a person, or was refused' },
  precondition_unmet: { status: 403, title: 'A condition for asking a person does not hold' },
  not_handed_out: { status: 403, title: 'The grant hands out no native credential for this' },
  lease_limited: { status: 429, title: 'Too many native credentials are handed out' },
  grant_inactive: { status: 403, title: 'The grant is not active' },
  frozen: { status: 403, title: 'This is frozen' },
  rate_limited: { status: 429, title: 'Too many requests' },

  // What went wrong on our side, or the provider's.
  internal: { status: 500, title: 'The broker failed' },
  upstream_unreachable: { status: 502, title: 'The provider could not be reached' },
  upstream_failed: { status: 502, title: 'The provider broke off its answer' },
  upstream_timeout: { status: 504, title: 'The provider did not answer in time' },
  sealed: { status: 503, title: 'The broker is sealed' },
  unavailable: { status: 503, title: 'The broker cannot decide at present' },
} as const

export type ProblemCode = keyof typeof problems

/** Where, in an operator's request, something was wrong: a JSON Pointer (RFC 6901) and what was expected. */
export type FieldError = { readonly pointer: string; readonly detail: string }

export type ProblemDetails = {
  /** A sentence for a person. It never holds a secret, nor names another environment than the capability's own. */
  readonly detail: string
  readonly errors?: readonly FieldError[]
  /** Members of a code's own, such as `verbs` for `verb_missing`. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** Thrown only at the HTTP edge. Below it, an expected refusal is a value. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly details: ProblemDetails

  constructor(code: ProblemCode, details: string | ProblemDetails) {
    const full = typeof details === 'string' ? { detail: details } : details
    super(full.detail)
    this.name = 'Problem'
    this.code = code
    this.details = full
  }
}

/** The `type` of a problem: a URN, so that it depends on no host. */
export function problemType(code: ProblemCode): string {
  return `urn:valetkey:problem:${code}`
}

/** The body of an `application/problem+json` answer. */
export function problemBody(
  code: ProblemCode,
  details: ProblemDetails,
  correlationId?: string,
): Record<string, unknown> {
  const { status, title } = problems[code]
  return {
    ...details.members,
    type: problemType(code),
    title,
    status,
    code,
    detail: details.detail,
    ...(details.errors === undefined ? {} : { errors: details.errors }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
  }
}

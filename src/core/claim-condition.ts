/**
 * What a foreign token must say for a trust rule to hold: each claim by equality, as one of a set, or by a prefix that
 * ends where a name ends. Written against somebody who chooses the claims that the issuer lets them choose: their
 * repository's name, their branch, their environment. No regular expressions: one that is not anchored, or a dot that
 * was meant as a dot, has opened more brokers than any broken signature.
 *
 * A claim that is missing meets no condition, and neither does one of another type: "1" is not 1.
 */

export type Scalar = string | number | boolean

export type ClaimCondition = {
  /**
   * The claim's exact name at the top level (dots and colons are part of it), or a JSON Pointer (RFC 6901) to one
   * further in: `repository_id`, `/kubernetes.io/namespace`.
   */
  readonly claim: string
  readonly equals?: Scalar
  readonly oneOf?: readonly Scalar[]
  /** Ends with `/` or `:`, and does not match a value that ends with it. */
  readonly prefix?: string
}

export const longestClaimPath = 200
export const longestClaimValue = 500
export const mostClaimValues = 50
/** How far into a token's claims a pointer reaches. */
const deepestClaim = 6

const delimiters = ['/', ':']

/**
 * Claims that say nothing about who holds the token: that a token has an issuer, an audience and a time is checked of
 * every token, and its number is another each time.
 */
const ofEveryToken: readonly string[] = ['iss', 'aud', 'exp', 'nbf', 'iat', 'jti']

/** The names on the way to a claim; undefined where the text is no address of one. */
export function claimPath(claim: string): readonly string[] | undefined {
  if (claim === '' || claim.length > longestClaimPath) return undefined
  if (!claim.startsWith('/')) return [claim]
  const names = claim.slice(1).split('/')
  if (names.length > deepestClaim) return undefined
  // RFC 6901 §3: a tilde stands only in ~0 and ~1, and ~1 is read before ~0, or ~01 would become a slash.
  if (names.some((name) => name === '' || /~(?![01])/.test(name))) return undefined
  return names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What is wrong with a condition, as a sentence; undefined where it can be kept. */
export function conditionFault(condition: ClaimCondition): string | undefined {
  const path = claimPath(condition.claim)
  if (path === undefined)
    return 'claim must be the name of a claim, or a JSON Pointer to one, such as /kubernetes.io/namespace'
  if (ofEveryToken.includes(path[0] ?? ''))
    return `"${path[0] ?? ''}" says nothing about who holds the token: issuer and audience are the rule's own, and the rest is checked of every token`
  const tests = [condition.equals, condition.oneOf, condition.prefix].filter(
    (test) => test !== undefined,
  )
  if (tests.length !== 1) return 'a condition has exactly one of equals, oneOf and prefix'
  if (condition.prefix !== undefined) return prefixFault(condition.prefix)
  const values = condition.oneOf ?? [condition.equals ?? '']
  if (values.length === 0 || values.length > mostClaimValues)
    return `oneOf has 1 to ${String(mostClaimValues)} values`
  return values.map(valueFault).find((fault) => fault !== undefined)
}

function valueFault(value: Scalar): string | undefined {
  if (value === '') return 'an empty text is no value to trust somebody by'
  if (typeof value === 'string' && value.length > longestClaimValue)
    return `a value has at most ${String(longestClaimValue)} characters`
  // Beyond it two numbers are one (RFC 8259 §6), and one of them is somebody else's.
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    return 'a number must be whole and at most 2^53 - 1'
  return undefined
}

function prefixFault(prefix: string): string | undefined {
  if (prefix.length > longestClaimValue)
    return `a prefix has at most ${String(longestClaimValue)} characters`
  if (!delimiters.some((delimiter) => prefix.endsWith(delimiter)))
    return 'a prefix must end with / or :, or it also matches longer names: repo:acme matches repo:acme-evil'
  if (/^([a-z][a-z0-9+.-]*:\/)?[/:]+$/i.test(prefix))
    return 'a prefix must name something before its delimiter'
  return undefined
}

/** Whether these claims meet it. A condition that could not have been kept is met by nothing. */
export function claimHolds(
  condition: ClaimCondition,
  claims: Readonly<Record<string, unknown>>,
): boolean {
  if (conditionFault(condition) !== undefined) return false
  const value = claimAt(claims, condition.claim)
  if (value === undefined) return false
  const { equals, oneOf, prefix } = condition
  if (prefix !== undefined) {
    return typeof value === 'string' && value.length > prefix.length && value.startsWith(prefix)
  }
  return (oneOf ?? [equals]).some((expected) => expected === value)
}

/** The claim as it stands; undefined where there is none, or where it is no text, number or boolean. */
export function claimAt(
  claims: Readonly<Record<string, unknown>>,
  claim: string,
): Scalar | undefined {
  const path = claimPath(claim)
  if (path === undefined) return undefined
  let value: unknown = claims
  for (const name of path) {
    // An array is no object here: which of its members was meant could not be said.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    if (!Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined
}

/** Whether it says which ones it means, one by one: a prefix does not. */
export function namesExactly(condition: ClaimCondition): boolean {
  return condition.prefix === undefined
}

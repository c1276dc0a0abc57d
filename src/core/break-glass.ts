/**
 * Break-glass: for a while, two admins have said, what a grant or an environment would ask a person for goes without.
 * It stands in for the person and for nothing else: `decide` looks at it only where all that is left to want is an
 * approval, so that it lifts no freeze and no refusal, and adds no verb and no place.
 */
import type { BreakGlassId, EnvironmentId, GrantId } from '../ids.ts'

/** The longest that one lasts, in seconds. */
export const longestBreakGlass = 1_800
export const shortestBreakGlass = 60
/** How long another admin has to confirm it, in milliseconds. */
export const confirmableFor = 15 * 60_000

export type BreakGlass = {
  readonly id: BreakGlassId
  /** Undefined where it is for the whole environment. */
  readonly grantId: GrantId | undefined
  readonly environmentId: EnvironmentId
  /** When the second admin confirmed it, in milliseconds since the epoch. */
  readonly startsAt: number
  /** Milliseconds since the epoch. It is over at this moment. */
  readonly endsAt: number
}

/** The one that is in force for this grant at this moment, if any. One that claims more time than there can be is none. */
export function inForce(
  given: readonly BreakGlass[] | undefined,
  grant: { readonly id: GrantId; readonly environmentId: EnvironmentId },
  now: number,
): BreakGlass | undefined {
  return given?.find(
    ({ grantId, environmentId, startsAt, endsAt }) =>
      environmentId === grant.environmentId &&
      (grantId === undefined || grantId === grant.id) &&
      endsAt - startsAt <= longestBreakGlass * 1000 &&
      now < endsAt,
  )
}

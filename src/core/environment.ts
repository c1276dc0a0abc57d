/** A named blast radius: `pocketos/staging`, with the provider-side places that belong to it. */
import type { EnvironmentId } from '../ids.ts'
import type { Place } from './operation.ts'

export type Environment = {
  readonly id: EnvironmentId
  readonly name: string
  /** A protected environment is never below the approval rule `destructive`. */
  readonly protected: boolean
  /** By provider, the places that belong to it. */
  readonly places: ReadonlyMap<string, ReadonlySet<Place>>
}

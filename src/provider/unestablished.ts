/** A failure to establish where something lives. Thrown where a provider is asked, caught where its adapter locates. */
import type { UnresolvedReason } from '../core/operation.ts'

export class Unestablished extends Error {
  override name = 'Unestablished'
  readonly why: UnresolvedReason
  constructor(why: UnresolvedReason) {
    super(why)
    this.why = why
  }
}

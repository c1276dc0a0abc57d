/**
 * Credentials that a provider mints in an answer (`projectTokenCreate`). The agent sees `[redacted]`; where the grant
 * says `seal`, the secret becomes a credential of the same environment, ready for an admin to mint grants with.
 */
import type { Policy } from '../directory/policy.ts'
import type { CredentialId } from '../ids.ts'
import type { JsonValue } from '../core/operation.ts'
import type { MintedSecret } from '../provider/adapter.ts'
import type { Subject } from './record.ts'

export const mintedMarker = '[redacted]'

export type MintedSealer = {
  /** The id of the credential it was sealed as; undefined where the grant does not ask for that. */
  handle(policy: Policy, subject: Subject, value: string): Promise<CredentialId | undefined>
}

export function createMintedSealer(deps: {
  readonly seal: (policy: Policy, name: string, value: string) => Promise<CredentialId>
}): MintedSealer {
  return {
    handle(policy, subject, value) {
      if (policy.grant.minted !== 'seal') return Promise.resolve(undefined)
      return deps.seal(policy, `minted ${subject.correlationId}`, value)
    },
  }
}

/** Takes every minted string out of an answer, in place. Returns what it took out. */
export function redactMinted(answer: JsonValue, minted: MintedSecret): readonly string[] {
  const taken: string[] = []
  for (const path of minted.paths) {
    const last = path.at(-1)
    let holder: JsonValue | undefined = answer
    for (const key of path.slice(0, -1)) {
      holder =
        holder !== null && typeof holder === 'object' && !Array.isArray(holder)
          ? holder[key]
          : undefined
      if (holder === undefined) break
    }
    if (
      last === undefined ||
      holder === null ||
      typeof holder !== 'object' ||
      Array.isArray(holder)
    )
      continue
    const value = holder[last]
    if (value === undefined || value === null) continue
    // Whatever its type: a provider that wraps its token in an object must not get it past us.
    if (typeof value === 'string') taken.push(value)
    holder[last] = mintedMarker
  }
  return taken
}

/**
 * Credentials that a provider mints in an answer (`projectTokenCreate`). The agent sees `[redacted]`; where the grant
 * says `seal`, the secret becomes a credential of the same environment, ready for an admin to mint grants with. What the
 * broker itself has minted, to go out with, is minted-token.ts.
 */
import type { Policy } from '../directory/policy.ts'
import type { CredentialId } from '../ids.ts'
import type { Subject } from './record.ts'

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

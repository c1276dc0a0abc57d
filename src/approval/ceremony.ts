/**
 * What a person's browser is asked for: to make a passkey, or to sign with one. The challenge of a decision is the digest
 * of what is decided, so that there is one for yes and another for no; `webauthn.ts` looks at what comes back.
 *
 * @simplewebauthn/server takes a third of a second to load, and is loaded when somebody is first asked.
 */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/server'
import type { ApprovalDecision } from '../core/approval.ts'
import { decisionDigest, type SignedDocument } from '../core/decision.ts'
import type { OperatorId } from '../ids.ts'
import { algorithms } from './cose-key.ts'

/** How long a person may take with their authenticator, in milliseconds. */
export const ceremonyTime = 300_000

export type RelyingParty = { readonly id: string; readonly origin: string }

/** PUBLIC_URL alone says who the relying party is: no header of a request does. */
export function relyingParty(publicUrl: string): RelyingParty {
  const { hostname, origin } = new URL(publicUrl)
  return { id: hostname, origin }
}

/** Why no browser would make a passkey for this broker; undefined where it would. */
export function passkeyObstacle(publicUrl: string): string | undefined {
  const { hostname, protocol } = new URL(publicUrl)
  if (/^[0-9.]+$|^\[/.test(hostname))
    return 'PUBLIC_URL names an address, and passkeys belong to a host name'
  if (protocol !== 'https:' && hostname !== 'localhost' && !hostname.endsWith('.localhost'))
    return 'PUBLIC_URL is not https, and browsers keep passkeys to secure origins'
  return undefined
}

type Described = { readonly credentialId: string; readonly transports: readonly string[] }
const described = ({ credentialId: id, transports }: Described) => ({
  id,
  transports: [...transports],
})

/** For `startRegistration`. `challenge`: 32 random bytes that the caller keeps for this operator. */
export async function registrationOptions(input: {
  readonly operator: { readonly id: OperatorId; readonly name: string }
  readonly passkeys: readonly Described[]
  readonly challenge: Uint8Array
  readonly publicUrl: string
}): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await import('@simplewebauthn/server')
  const { operator, publicUrl } = input
  return generateRegistrationOptions({
    rpName: 'Valetkey',
    rpID: relyingParty(publicUrl).id,
    userName: operator.name,
    userDisplayName: operator.name,
    userID: new TextEncoder().encode(operator.id),
    challenge: new Uint8Array(input.challenge),
    timeout: ceremonyTime,
    attestationType: 'none',
    excludeCredentials: input.passkeys.map(described),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    supportedAlgorithmIDs: Object.values(algorithms),
  })
}

/** For `startAuthentication`: the challenge is what is decided, so that there is one for yes and another for no. */
export async function assertionOptions(input: {
  readonly document: SignedDocument
  readonly decision: ApprovalDecision
  readonly approverId: OperatorId
  /** The approver's own; without one no browser can answer. */
  readonly passkeys: readonly Described[]
  readonly publicUrl: string
  /** Milliseconds since the epoch. */
  readonly now: number
}): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
  const { document, decision, approverId, now } = input
  return generateAuthenticationOptions({
    rpID: relyingParty(input.publicUrl).id,
    challenge: new Uint8Array(decisionDigest(document, decision, approverId)),
    allowCredentials: input.passkeys.map(described),
    timeout: Math.max(1_000, Math.min(ceremonyTime, document.expiresAt - now)),
    userVerification: 'required',
  })
}

/** For `startAuthentication`: a touch that is for something other than an approval. */
export async function touchOptions(input: {
  /** 32 bytes. */
  readonly challenge: Uint8Array
  readonly passkeys: readonly Described[]
  readonly publicUrl: string
}): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await import('@simplewebauthn/server')
  return generateAuthenticationOptions({
    rpID: relyingParty(input.publicUrl).id,
    challenge: new Uint8Array(input.challenge),
    allowCredentials: input.passkeys.map(described),
    timeout: ceremonyTime,
    userVerification: 'required',
  })
}

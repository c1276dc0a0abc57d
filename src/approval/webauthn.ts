/**
 * Passkeys: registration, and the assertion that is a person's decision. Pure: what is known comes in as arguments, so
 * that the broker and a verifier years later, on another machine, run the same lines.
 *
 * Guarantees, against whoever holds an operator's password and cookie and the agent's side of everything, but not the
 * authenticator: an assertion counts only where its challenge is the digest of this document, this decision and this
 * approver; made on our own origin, in no other site's frame; with the user verified, not merely present; by the key
 * that was registered; and never by a copy of it whose counter has fallen behind.
 *
 * @simplewebauthn/server has the last word. It is asked after our own checks, because it says why in prose only, lets
 * an assertion pass that was made in a frame, and would download what a registered certificate names. It takes a third
 * of a second to load, and is loaded when the first passkey is looked at.
 */
import { createHash } from 'node:crypto'
import type { ApprovalDecision } from '../core/approval.ts'
import { decisionDigest, type SignedDocument } from '../core/decision.ts'
import { parseJson } from '../core/json.ts'
import type { JsonObject } from '../core/operation.ts'
import type { OperatorId } from '../ids.ts'
import {
  readAttestation,
  readAuthenticatorData,
  type AuthenticatorData,
} from './authenticator-data.ts'
import { relyingParty } from './ceremony.ts'
import { algorithmOf, algorithms, type PasskeyAlgorithm } from './cose-key.ts'

export type CeremonyRefusal =
  | 'malformed'
  | 'another_passkey'
  | 'another_operator'
  | 'wrong_type'
  | 'wrong_challenge'
  | 'wrong_origin'
  | 'framed'
  | 'wrong_relying_party'
  | 'user_not_present'
  | 'user_not_verified'
  | 'unsupported_key'
  | 'wrong_signature'

/** `counter_went_back`: the signature is good, but a copy of the authenticator has signed since. */
export type AssertionRefusal = CeremonyRefusal | 'counter_went_back'
export type RegistrationRefusal = CeremonyRefusal | 'attested'

/** What the browser gives back from `navigator.credentials.get`; members that are not used are left out. Base64url. */
export type Assertion = {
  readonly id: string
  readonly response: {
    readonly clientDataJSON: string
    readonly authenticatorData: string
    readonly signature: string
  }
}

/** What the browser gives back from `navigator.credentials.create`. Base64url. */
export type Registration = {
  readonly id: string
  readonly response: {
    readonly clientDataJSON: string
    readonly attestationObject: string
    readonly transports?: readonly string[] | undefined
  }
}

/** What is known of a passkey when an assertion by it is checked. */
export type PasskeyKey = {
  readonly operatorId: OperatorId
  /** Base64url. */
  readonly credentialId: string
  /** COSE. */
  readonly publicKey: Uint8Array
  /** The highest that was seen; 0 where the authenticator does not count. */
  readonly counter: number
}

export type NewPasskey = {
  readonly credentialId: string
  readonly publicKey: Buffer
  readonly algorithm: PasskeyAlgorithm
  readonly counter: number
  readonly aaguid: string
  readonly transports: readonly string[]
  /** Whether it can be on several devices (WebAuthn's backup eligibility): such a key does not count. */
  readonly synced: boolean
}

export type VerifiedAssertion =
  | { readonly ok: true; readonly counter: number }
  | { readonly ok: false; readonly refusal: AssertionRefusal }
export type VerifiedRegistration =
  | { readonly ok: true; readonly passkey: NewPasskey }
  | { readonly ok: false; readonly refusal: RegistrationRefusal }

/** Whether this assertion is this approver's decision about this document. No clock, no network, no database. */
export async function verifyAssertion(input: {
  readonly document: SignedDocument
  readonly decision: ApprovalDecision
  readonly approverId: OperatorId
  readonly passkey: PasskeyKey
  readonly assertion: Assertion
  readonly publicUrl: string
}): Promise<VerifiedAssertion> {
  const { document, decision, approverId: operatorId, ...rest } = input
  return verifyTouch({
    ...rest,
    operatorId,
    challenge: decisionDigest(document, decision, operatorId),
  })
}

/** Whether this assertion is this operator's, over these 32 bytes. No clock, no network, no database. */
export async function verifyTouch(input: {
  readonly challenge: Buffer
  readonly operatorId: OperatorId
  readonly passkey: PasskeyKey
  readonly assertion: Assertion
  readonly publicUrl: string
}): Promise<VerifiedAssertion> {
  const { passkey, assertion } = input
  const { id, response } = assertion
  const { clientDataJSON, authenticatorData, signature } = response
  const refused = (refusal: AssertionRefusal) => ({ ok: false, refusal }) as const
  if (![id, clientDataJSON, authenticatorData, signature].every(isBase64url))
    return refused('malformed')
  if (id !== passkey.credentialId) return refused('another_passkey')
  if (passkey.operatorId !== input.operatorId) return refused('another_operator')

  const party = relyingParty(input.publicUrl)
  const challenge = input.challenge.toString('base64url')
  const client = clientRefusal(clientDataJSON, 'webauthn.get', challenge, party.origin)
  if (client !== undefined) return refused(client)
  const data = await readAuthenticatorData(bytesOf(authenticatorData))
  if (data === undefined) return refused('malformed')
  const presence = dataRefusal(data, party.id)
  if (presence !== undefined) return refused(presence)
  if ((await algorithmOf(passkey.publicKey)) === undefined) return refused('unsupported_key')

  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server')
  const { verified } = await verifyAuthenticationResponse({
    response: {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON, authenticatorData, signature },
    },
    expectedChallenge: challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserVerification: true,
    // The counter is compared below, once the signature is known to be good: a forged one must accuse no authenticator.
    credential: { id, publicKey: new Uint8Array(passkey.publicKey), counter: 0 },
  }).catch(() => ({ verified: false }))
  if (!verified) return refused('wrong_signature')
  if (!counterMoved(passkey.counter, data.counter)) return refused('counter_went_back')
  return { ok: true, counter: data.counter }
}

/** WebAuthn §7.2 step 22: it rises, or the authenticator has never counted. */
export function counterMoved(before: number, now: number): boolean {
  return now > before || (now === 0 && before === 0)
}

/** Whether this is a passkey made for us, now, by a verified user. `challenge`: the one that was handed out, unused. */
export async function verifyRegistration(input: {
  readonly registration: Registration
  readonly challenge: Uint8Array
  readonly publicUrl: string
}): Promise<VerifiedRegistration> {
  const { id, response } = input.registration
  const { clientDataJSON, attestationObject } = response
  const refused = (refusal: RegistrationRefusal) => ({ ok: false, refusal }) as const
  if (![id, clientDataJSON, attestationObject].every(isBase64url)) return refused('malformed')

  const party = relyingParty(input.publicUrl)
  const challenge = Buffer.from(input.challenge).toString('base64url')
  const client = clientRefusal(clientDataJSON, 'webauthn.create', challenge, party.origin)
  if (client !== undefined) return refused(client)
  const attestation = await readAttestation(bytesOf(attestationObject))
  if (attestation === undefined) return refused('malformed')
  const { data } = attestation
  const presence = dataRefusal(data, party.id)
  if (presence !== undefined) return refused(presence)
  // None was asked for. A certificate would have us fetch the revocation lists that it names itself.
  if (attestation.certified) return refused('attested')
  const { credentialId, publicKey, aaguid } = data
  if (credentialId === undefined || publicKey === undefined || aaguid === undefined)
    return refused('malformed')
  // Sixteen bytes is what WebAuthn asks of an authenticator; fewer could be another's by chance.
  if (credentialId.length < 16 || credentialId.length > 1023) return refused('malformed')
  if (base64url(credentialId) !== id) return refused('another_passkey')
  const algorithm = await algorithmOf(publicKey)
  if (algorithm === undefined) return refused('unsupported_key')

  const { verifyRegistrationResponse } = await import('@simplewebauthn/server')
  const { verified } = await verifyRegistrationResponse({
    response: {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON, attestationObject },
    },
    expectedChallenge: challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserPresence: true,
    requireUserVerification: true,
    supportedAlgorithmIDs: Object.values(algorithms),
  }).catch(() => ({ verified: false }))
  if (!verified) return refused('wrong_signature')
  return {
    ok: true,
    passkey: {
      credentialId: id,
      publicKey: Buffer.from(publicKey),
      algorithm,
      counter: data.counter,
      aaguid: Buffer.from(aaguid).toString('hex'),
      transports: (response.transports ?? []).filter((name) => knownTransports.has(name)),
      synced: data.synced,
    },
  }
}

const knownTransports = new Set(['ble', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'])

/** Base64url without padding, in its one spelling. */
function isBase64url(text: string): boolean {
  return text !== '' && base64url(bytesOf(text)) === text
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'base64url')
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** What the browser says of the ceremony, which the authenticator signs (WebAuthn §5.8.1). */
function clientRefusal(
  clientDataJSON: string,
  type: 'webauthn.get' | 'webauthn.create',
  challenge: string,
  origin: string,
): CeremonyRefusal | undefined {
  const parsed = parseJson(bytesOf(clientDataJSON))
  if (!parsed.ok || !isObject(parsed.value)) return 'malformed'
  const client = parsed.value
  if (client['type'] !== type) return 'wrong_type'
  if (client['challenge'] !== challenge) return 'wrong_challenge'
  if (client['origin'] !== origin) return 'wrong_origin'
  // Another site's page with ours in a frame chooses what the person sees around the button.
  if ((client['crossOrigin'] ?? false) !== false || client['topOrigin'] !== undefined)
    return 'framed'
  return undefined
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function dataRefusal(data: AuthenticatorData, rpId: string): CeremonyRefusal | undefined {
  const expected = createHash('sha256').update(rpId).digest()
  if (!expected.equals(data.rpIdHash)) return 'wrong_relying_party'
  if (!data.present) return 'user_not_present'
  if (!data.verified) return 'user_not_verified'
  return undefined
}

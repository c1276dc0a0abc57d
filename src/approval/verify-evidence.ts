/**
 * How a decision is checked later: offline, by whoever was given the file, with nothing of the broker but its published
 * rules. The file is taken to be hostile; everything that it says of itself is either covered by the passkey's signature,
 * or named among what is not proven.
 */
import { decisionText } from '../core/decision.ts'
import { fingerprintOf } from './cose-key.ts'
import type { CodeEvidence, Evidence, PasskeyEvidence } from './evidence.ts'
import { relyingParty } from './ceremony.ts'
import { verifyAssertion, type AssertionRefusal } from './webauthn.ts'

export type Check = {
  readonly what: string
  /** `not_reached`: one before it failed. */
  readonly result: 'holds' | 'fails' | 'not_reached'
  readonly detail?: string | undefined
}

export type EvidenceReport = {
  /** `unverifiable`: it contradicts nothing, and proves nothing. */
  readonly verdict: 'verified' | 'refuted' | 'unverifiable'
  readonly checks: readonly Check[]
  /** SHA-256 of the passkey's public key, in hex. */
  readonly fingerprint?: string | undefined
  /** Sentences. */
  readonly proven: readonly string[]
  readonly notProven: readonly string[]
}

/** What whoever checks knows from elsewhere; the file must agree with it. */
export type Expected = {
  readonly origin?: string | undefined
  readonly fingerprint?: string | undefined
}

/** Which check of `steps` an assertion's refusal is: those before it held. */
const stepOf: Readonly<Record<AssertionRefusal, number>> = {
  malformed: 0,
  another_passkey: 0,
  another_operator: 0,
  wrong_type: 1,
  wrong_challenge: 2,
  wrong_origin: 3,
  framed: 3,
  wrong_relying_party: 4,
  user_not_present: 5,
  user_not_verified: 5,
  unsupported_key: 6,
  wrong_signature: 7,
  counter_went_back: 8,
}
const steps = [
  'The assertion can be read.',
  'It is an answer to a request for a signature, not a registration.',
  'Its challenge is the SHA-256 of the decision text.',
  'It was made on the broker’s origin, in no other site’s frame.',
  'It was made for the broker’s host (the hash of the relying party’s id).',
  'The authenticator says that it verified the user, by PIN or biometrics.',
  'The public key is of a kind that is accepted (EdDSA, ES256, RS256).',
  'The signature is good under the stored public key.',
  'The authenticator’s counter went on from where it was, or it does not count.',
] as const

/** Checks evidence with no network, no database and no clock. */
export async function verifyEvidence(
  evidence: Evidence,
  expected: Expected = {},
): Promise<EvidenceReport> {
  if (evidence.kind === 'one_time_code') return codeReport(evidence, expected)
  const { document, decision, approver, passkey, assertion } = evidence
  const publicKey = Buffer.from(passkey.publicKey, 'base64url')
  const fingerprint = fingerprintOf(publicKey)
  const text = decisionText(document, decision, approver.id)
  const checks: Check[] = [
    check('The decision text says this document, this decision and this approver.', [
      evidence.text === text,
    ]),
    ...madeChecks(evidence, expected),
  ]
  if (expected.fingerprint !== undefined)
    checks.push(
      check('The public key is the expected one.', [
        expected.fingerprint.toLowerCase() === fingerprint,
        `its fingerprint is ${fingerprint}`,
      ]),
    )
  const result = await verifyAssertion({
    document,
    decision,
    approverId: approver.id,
    passkey: { ...passkey, operatorId: approver.id, publicKey },
    assertion: { id: passkey.credentialId, response: assertion },
    publicUrl: expected.origin ?? evidence.publicUrl,
  })
  const failed = result.ok ? steps.length : stepOf[result.refusal]
  for (const [i, what] of steps.entries()) {
    if (i < failed) checks.push({ what, result: 'holds' })
    else if (i > failed) checks.push({ what, result: 'not_reached' })
    else checks.push({ what, result: 'fails', detail: result.ok ? undefined : result.refusal })
  }
  const verdict = checks.every((each) => each.result === 'holds') ? 'verified' : 'refuted'
  return {
    verdict,
    checks,
    fingerprint,
    proven: verdict === 'verified' ? provenBy(evidence, expected) : [],
    notProven: verdict === 'verified' ? notProvenBy(fingerprint, expected) : ['Anything.'],
  }
}

function provenBy(evidence: PasskeyEvidence, expected: Expected): readonly string[] {
  const { decision, approver, publicUrl, document } = evidence
  const did = decision === 'approve' ? 'approved' : 'denied'
  const which =
    'requestDigest' in document
      ? `request digest ${document.requestDigest}`
      : `access asked for as ${document.id}`
  return [
    `Whoever holds the passkey’s private key ${did} exactly this document, ${which}, and no other.`,
    `They did so as the operator ${approver.id}, and had just been verified by their authenticator.`,
    `They did so on a page of ${relyingParty(expected.origin ?? publicUrl).origin}.`,
  ]
}

function notProvenBy(fingerprint: string, expected: Expected): readonly string[] {
  return [
    ...(expected.fingerprint === undefined
      ? [
          `That the passkey was this operator’s: compare its fingerprint, ${fingerprint}, with the entry passkey.register of the audit log.`,
        ]
      : ['That the expected passkey was this operator’s: you know that from elsewhere.']),
    ...(expected.origin === undefined
      ? ['That this origin is your broker’s: the file says so itself.']
      : []),
    'The operator’s name, and when it was signed: the broker wrote both down, and neither is part of what was signed.',
    'That it was the first use of the document, or what came of it: the audit log says so.',
  ]
}

function codeReport(evidence: CodeEvidence, expected: Expected): EvidenceReport {
  const checks = madeChecks(evidence, expected)
  const holds = checks.every((each) => each.result === 'holds')
  return {
    verdict: holds ? 'unverifiable' : 'refuted',
    checks,
    proven: [],
    notProven: [
      'Anything. A one-time code signs nothing: that it was given, by whom and for what is the broker’s word alone.',
    ],
  }
}

function madeChecks(evidence: Evidence, expected: Expected): Check[] {
  const { document, decidedAt, publicUrl } = evidence
  const checks = [
    check('It was decided after it was asked, and before it expired, by the broker’s clock.', [
      document.requestedAt <= decidedAt && decidedAt < document.expiresAt,
    ]),
  ]
  if (expected.origin !== undefined)
    checks.push(
      check('It says that it is of the expected origin.', [
        publicUrl === expected.origin,
        `it says ${publicUrl}`,
      ]),
    )
  return checks
}

function check(what: string, [holds, detail]: readonly [boolean, string?]): Check {
  return holds ? { what, result: 'holds' } : { what, result: 'fails', detail }
}

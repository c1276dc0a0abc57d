/** What is stored with a decision, and exported: everything that `verifyEvidence` needs, and nothing that is secret. */
import type { ApprovalDecision } from '../core/approval.ts'
import { decisionText, type SignedDocument } from '../core/decision.ts'
import { canonicalize } from '../core/canonical.ts'
import { parseJson } from '../core/json.ts'
import type { OperatorId, PasskeyId } from '../ids.ts'
import { isId } from '../ids.ts'
import type { PasskeyAlgorithm } from './cose-key.ts'
import type { Assertion } from './webauthn.ts'

type Made = {
  readonly document: SignedDocument
  readonly decision: ApprovalDecision
  readonly approver: { readonly id: OperatorId; readonly name: string }
  /** Milliseconds since the epoch, by the broker's clock. */
  readonly decidedAt: number
  readonly publicUrl: string
}

/** Bytes are base64url. */
export type PasskeyEvidence = Made & {
  readonly v: 1
  readonly kind: 'passkey'
  /** The canonical text (RFC 8785) whose SHA-256 was the challenge, for programs that cannot make it. */
  readonly text: string
  readonly passkey: {
    readonly id: PasskeyId
    readonly credentialId: string
    /** COSE. */
    readonly publicKey: string
    readonly algorithm: PasskeyAlgorithm
    /** Before this assertion. */
    readonly counter: number
    readonly synced: boolean
    /** Milliseconds since the epoch. */
    readonly registeredAt: number
  }
  readonly assertion: Assertion['response']
}

export type CodeEvidence = Made & {
  readonly v: 1
  readonly kind: 'one_time_code'
  /** Of RFC 6238. */
  readonly step: number
}

/** Plain JSON: it is stored, exported and read back as it is. */
export type Evidence = PasskeyEvidence | CodeEvidence

export function passkeyEvidence(
  made: Made,
  passkey: {
    readonly id: PasskeyId
    readonly credentialId: string
    readonly publicKey: Buffer
    readonly algorithm: PasskeyAlgorithm
    readonly counter: number
    readonly synced: boolean
    readonly createdAt: Date
  },
  assertion: Assertion,
): PasskeyEvidence {
  const { document, decision, approver } = made
  const { clientDataJSON, authenticatorData, signature } = assertion.response
  return {
    v: 1,
    kind: 'passkey',
    ...made,
    text: decisionText(document, decision, approver.id),
    passkey: {
      id: passkey.id,
      credentialId: passkey.credentialId,
      publicKey: passkey.publicKey.toString('base64url'),
      algorithm: passkey.algorithm,
      counter: passkey.counter,
      synced: passkey.synced,
      registeredAt: passkey.createdAt.getTime(),
    },
    assertion: { clientDataJSON, authenticatorData, signature },
  }
}

export function codeEvidence(made: Made, step: number): CodeEvidence {
  return { v: 1, kind: 'one_time_code', ...made, step }
}

export type ReadEvidence =
  | { readonly ok: true; readonly evidence: readonly Evidence[] }
  | { readonly ok: false; readonly detail: string }

/** Deeper than any request that is understood, which the document holds the arguments of. */
const deepest = 256

/**
 * Reads an exported file: the evidence of one decision, or a list of those about one document, where several persons had
 * to decide. What it says has the right form then, and is still not to be believed.
 */
export function readEvidence(bytes: Uint8Array): ReadEvidence {
  const parsed = parseJson(bytes, { maxDepth: deepest })
  if (!parsed.ok) return { ok: false, detail: `it is not JSON that can be read: ${parsed.detail}` }
  const items: readonly unknown[] = Array.isArray(parsed.value) ? parsed.value : [parsed.value]
  if (items.length === 0) return { ok: false, detail: 'it is an empty list' }
  for (const item of items) {
    const wrong = formFault(item)
    if (wrong !== undefined) return { ok: false, detail: wrong }
  }
  const evidence = items as readonly Evidence[]
  const documents = new Set(evidence.map(({ document }) => canonicalize(document as never)))
  return documents.size === 1
    ? { ok: true, evidence }
    : { ok: false, detail: 'its decisions are about different documents' }
}

type Shape = Readonly<Record<string, unknown>>

function formFault(value: unknown): string | undefined {
  if (!isShape(value)) return 'it is not an object'
  const { approver, document, passkey, assertion } = value
  if (value['v'] !== 1) return 'its version is not 1, the only one that is known here'
  if (value['kind'] !== 'passkey' && value['kind'] !== 'one_time_code')
    return 'it is evidence of no known kind'
  if (!isShape(document) || !isTime(document['requestedAt']) || !isTime(document['expiresAt']))
    return 'it has no document'
  if (value['decision'] !== 'approve' && value['decision'] !== 'deny')
    return 'its decision is neither approve nor deny'
  if (!isShape(approver) || !isId('operator', approver['id']) || !isText(approver['name']))
    return 'it names no approver'
  if (!isTime(value['decidedAt'])) return 'it does not say when it was decided'
  if (!isOrigin(value['publicUrl'])) return 'it does not say on which origin'
  if (value['kind'] === 'one_time_code')
    return isTime(value['step']) ? undefined : 'it has no time step'
  if (!isText(value['text'])) return 'it has no text'
  if (
    !isShape(passkey) ||
    !isId('passkey', passkey['id']) ||
    !isText(passkey['credentialId']) ||
    !isText(passkey['publicKey']) ||
    !isTime(passkey['counter']) ||
    !isTime(passkey['registeredAt'])
  )
    return 'it has no passkey'
  if (
    !isShape(assertion) ||
    !['clientDataJSON', 'authenticatorData', 'signature'].every((name) => isText(assertion[name]))
  )
    return 'it has no assertion'
  return undefined
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
function isText(value: unknown): value is string {
  return typeof value === 'string'
}
/** An origin of the web in its one spelling: "null" would be that of every page without one. */
function isOrigin(value: unknown): boolean {
  return isText(value) && /^https?:/.test(value) && URL.parse(value)?.origin === value
}
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

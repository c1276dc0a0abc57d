/** What the signature of whoever decides is over: the document they read, what they decided, and who they are. */
import { createHash } from 'node:crypto'
import type { OperatorId } from '../ids.ts'
import type { AccessDocument } from './access-document.ts'
import type { ApprovalDecision, ApprovalDocument } from './approval.ts'
import { canonicalize } from './canonical.ts'

/** What a passkey of an approver signs; each kind says of itself which it is. */
export type SignedDocument = ApprovalDocument | AccessDocument

/** What the WebAuthn challenge is: 32 bytes that say what was read, what was decided, and by whom. */
export function decisionDigest(
  document: SignedDocument,
  decision: ApprovalDecision,
  approverId: OperatorId,
): Buffer {
  return createHash('sha256')
    .update(decisionText(document, decision, approverId))
    .digest()
}

/** The canonical text whose digest is signed, for evidence that is checked later. */
export function decisionText(
  document: SignedDocument,
  decision: ApprovalDecision,
  approverId: OperatorId,
): string {
  return canonicalize({ approver: approverId, decision, document, v: 1 })
}

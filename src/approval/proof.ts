/**
 * How an approver proves that a decision is theirs: looked up, checked, and used up. What comes out is the evidence that
 * is stored with the decision, and what `useProof` must still find true when the decision takes effect.
 */
import type { ApprovalDecision } from '../core/approval.ts'
import type { SignedDocument } from '../core/decision.ts'
import type { Db, Tx } from '../db/open.ts'
import type { OperatorId, PasskeyId } from '../ids.ts'
import { codeEvidence, passkeyEvidence, type Evidence } from './evidence.ts'
import { checkCode, useCode, type CodeRefusal, type CodeSealer } from './one-time-code.ts'
import { listPasskeys, usePasskey } from './passkey.ts'
import { verifyAssertion, type Assertion, type AssertionRefusal } from './webauthn.ts'

export type DecisionProof =
  | { readonly kind: 'passkey'; readonly assertion: Assertion }
  | { readonly kind: 'one_time_code'; readonly code: string }

export type ProofRefusal = AssertionRefusal | CodeRefusal | 'no_such_passkey'

/** What is used up once: a passkey's count, or a code's time step. */
export type ProofUse =
  | { readonly kind: 'passkey'; readonly passkeyId: PasskeyId; readonly counter: number }
  | { readonly kind: 'one_time_code'; readonly operatorId: OperatorId; readonly step: number }

export type VerifiedDecision =
  | { readonly ok: true; readonly evidence: Evidence; readonly use: ProofUse }
  | {
      readonly ok: false
      readonly refusal: ProofRefusal
      /** Whose passkey it was, where it was a known one. */
      readonly passkeyId?: PasskeyId | undefined
    }

/**
 * Whether this is the approver's own decision about this document. It says nothing about whether they may decide: that
 * is `decisionRefusal`. `approver` is who is signed in, never who a request names.
 */
export async function verifyDecision(
  world: {
    readonly db: Db
    readonly codes: CodeSealer
    readonly publicUrl: string
    /** Milliseconds since the epoch. */
    readonly now: number
  },
  input: {
    readonly document: SignedDocument
    readonly decision: ApprovalDecision
    readonly approver: { readonly id: OperatorId; readonly name: string }
    readonly proof: DecisionProof
  },
): Promise<VerifiedDecision> {
  const { db, publicUrl, now } = world
  const { document, decision, approver, proof } = input
  const made = { document, decision, approver, decidedAt: now, publicUrl }
  switch (proof.kind) {
    case 'passkey': {
      const own = await listPasskeys(db, approver.id)
      const passkey = own.find(({ credentialId }) => credentialId === proof.assertion.id)
      if (passkey === undefined) return { ok: false, refusal: 'no_such_passkey' }
      const { assertion } = proof
      const { id: passkeyId } = passkey
      const result = await verifyAssertion({
        document,
        decision,
        approverId: approver.id,
        passkey,
        assertion,
        publicUrl,
      })
      if (!result.ok) return { ok: false, refusal: result.refusal, passkeyId }
      return {
        ok: true,
        evidence: passkeyEvidence(made, passkey, assertion),
        use: { kind: 'passkey', passkeyId, counter: result.counter },
      }
    }
    case 'one_time_code': {
      const { code } = proof
      const operatorId = approver.id
      const checked = await checkCode(db, world.codes, { operatorId, code, state: 'enrolled', now })
      if (!checked.ok) return checked
      return {
        ok: true,
        evidence: codeEvidence(made, checked.step),
        use: { kind: 'one_time_code', operatorId, step: checked.step },
      }
    }
  }
}

/**
 * Uses the proof up. The first statement of the transaction that makes the decision: where it returns a refusal, that
 * transaction must change nothing.
 */
export async function useProof(
  tx: Tx,
  use: ProofUse,
  now: number,
): Promise<ProofRefusal | undefined> {
  switch (use.kind) {
    case 'passkey':
      return usePasskey(tx, use.passkeyId, use.counter, now)
    case 'one_time_code':
      return useCode(tx, use.operatorId, use.step)
  }
}

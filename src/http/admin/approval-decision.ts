/**
 * A person's decision about one exact request. Guarantees, against whoever holds an operator's password, their bearer and
 * the agent's side of everything: no bearer reaches it; what is signed is the digest of the document as it is stored, of
 * the decision, and of whoever is signed in; and who may decide is read once more in the transaction that decides, after
 * the person took their time.
 */
import Type from 'typebox'
import { listPasskeys } from '../../approval/passkey.ts'
import { useProof, verifyDecision, type ProofRefusal } from '../../approval/proof.ts'
import { decide } from '../../approval/step.ts'
import { assertionOptions } from '../../approval/ceremony.ts'
import type { DecisionRefusal } from '../../core/approval.ts'
import { decisionDigest } from '../../core/decision.ts'
import { Problem } from '../../problem.ts'
import { environmentOf, findApproval, refusedDecision, standingOf } from '../approval.ts'
import { proofChange, proofMembers, proofOf, refusedProof } from '../decision-proof.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'
import type { App } from '../realm.ts'
import { answers, closed, idParams } from '../schemas.ts'
import { ApprovalOne, noEntry, oneView, signedInOf } from './approval.ts'
import { commit } from './change.ts'

const Decision = Type.Union([Type.Literal('approve'), Type.Literal('deny')])

export function approvalDecisionRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/approvals/:id/options',
    {
      config: { action: 'approval.prepare' },
      schema: {
        operationId: 'prepareDecision',
        summary: 'What a passkey is asked to sign: this request, this decision, this approver',
        description: 'Keeps nothing: the same is asked for as long as the same can be decided.',
        params: idParams('approval'),
        body: closed({ decision: Decision }),
        response: answers(
          200,
          closed({
            options: Type.Object(
              {},
              {
                additionalProperties: true,
                description: 'PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3).',
              },
            ),
          }),
        ),
      },
    },
    async (request) => {
      const { decision } = request.body
      const signedIn = signedInOf(request.signedIn)
      const approval = await findApproval(deps.db, request.params.id)
      const now = await deps.sharedNow(deps.db)
      const standing = await standingOf(deps.db, approval, signedIn, now)
      const refusal = standing.refusal({ decision, evidence: 'passkey' })
      if (refusal !== undefined)
        throw await refusedDecision(deps, request, { refusal, approval, decision })
      const approverId = signedIn.operator.id
      const passkeys = await listPasskeys(deps.db, approverId)
      if (passkeys.length === 0)
        throw new Problem('conflict', 'you have no passkey: register one at /passkeys first')
      const { document } = approval
      const { publicUrl } = deps
      return {
        options: {
          ...(await assertionOptions({ document, decision, approverId, passkeys, publicUrl, now })),
        },
      }
    },
  )

  app.post(
    '/v1/approvals/:id/decision',
    {
      config: { action: 'approval.decide' },
      schema: {
        operationId: 'decideApproval',
        summary: 'Approve or deny, proven with a passkey, or with a one-time code where allowed',
        params: idParams('approval'),
        body: closed({ decision: Decision, ...proofMembers }),
        response: answers(200, ApprovalOne),
      },
    },
    async (request) => {
      const { decision } = request.body
      const signedIn = signedInOf(request.signedIn)
      const proof = proofOf(request.body)
      const approval = await findApproval(deps.db, request.params.id)
      const begun = await deps.sharedNow(deps.db)
      const standing = await standingOf(deps.db, approval, signedIn, begun)
      const refusal = standing.refusal({ decision, evidence: proof.kind })
      if (refusal !== undefined)
        throw await refusedDecision(deps, request, { refusal, approval, decision })

      const approver = { id: operatorOf(request).id, name: operatorOf(request).name }
      const { document } = approval
      const { db, codeSealer: codes, publicUrl } = deps
      const verified = await verifyDecision(
        { db, codes, publicUrl, now: begun },
        { document, decision, approver, proof },
      )
      if (!verified.ok) throw await refusedProof(deps, request, verified, approval.id)

      const late: { proof?: ProofRefusal | undefined; decision?: DecisionRefusal | undefined } = {}
      const decided = await commit(
        deps,
        request,
        async (tx) => {
          const now = await deps.sharedNow(tx)
          late.proof = await useProof(tx, verified.use, now)
          if (late.proof !== undefined) throw new TooLate()
          const current = await findApproval(tx, approval.id)
          const facts = await standingOf(tx, current, signedIn, now)
          late.decision = facts.refusal({ decision, evidence: proof.kind })
          if (late.decision !== undefined) throw new TooLate()
          const after = await decide(
            tx,
            {
              id: approval.id,
              decision,
              approverId: approver.id,
              evidence: verified.evidence,
              now,
            },
            // `commit` writes the entry, in this same transaction.
            noEntry,
          )
          if (after === undefined) late.decision = 'not_pending'
          if (after === undefined) throw new TooLate()
          return {
            value: after,
            subject: approval.id,
            environment: environmentOf(approval),
            change: {
              decision,
              state: after.state,
              agent: approval.agentId,
              grant: approval.grantId,
              request: approval.requestDigest,
              signed: decisionDigest(document, decision, approver.id).toString('hex'),
              proof: proofChange(verified.evidence),
            },
          }
        },
        'approval',
      ).catch(async (error: unknown) => {
        if (!(error instanceof TooLate)) throw error
        if (late.proof !== undefined)
          throw await refusedProof(deps, request, { refusal: late.proof }, approval.id)
        const current = await findApproval(deps.db, approval.id)
        const refusal = late.decision ?? 'not_pending'
        throw await refusedDecision(deps, request, { refusal, approval: current, decision })
      })
      return oneView(deps, decided, signedIn)
    },
  )
}

/** Undoes the transaction; why is said outside of it, where the entry about it stays. */
class TooLate extends Error {}

/**
 * Why a request that was approved may not leave after all: because it was not approved by whom the row says, or on terms
 * that do not suffice any more. Asked by whoever has just taken it, once (I6).
 */
import { oneTimeCodesOn } from '../approval/one-time-code.ts'
import { listPasskeys } from '../approval/passkey.ts'
import { unproven } from '../approval/proven.ts'
import type { Approval, readApproval } from '../approval/store.ts'
import { weakerThan } from '../core/approval-terms.ts'
import { readOperator } from '../directory/operator.ts'
import type { Policy } from '../directory/policy.ts'

export type ApprovalCheck = {
  readonly db: Parameters<typeof readApproval>[0]
  readonly publicUrl: string
}

/** What was parked before the terms became stricter; it is cancelled, and can be asked for again at once. */
export const weakerTerms =
  'the terms on which people approve it became stricter after it was asked for: send it again, and they are asked on the new ones'

/** Whether people would be asked more strictly now than they were for this. */
export function underWeakerTerms({ rule, document }: Approval, { approvalTerms }: Policy): boolean {
  const seconds = (document.expiresAt - document.requestedAt) / 1000
  const { holdSeconds = 0 } = document
  return weakerThan({ approver: rule, holdSeconds, expirySeconds: seconds }, approvalTerms)
}

/**
 * Undefined where it may go, as far as people are concerned. `now`: milliseconds since the epoch, by the shared clock.
 * What cannot be established is as good as not approved.
 */
export async function objection(
  { db, publicUrl }: ApprovalCheck,
  approval: Approval,
  asked: { readonly requestDigest: string; readonly policy: Policy; readonly now: number },
): Promise<string | undefined> {
  const { requestDigest, policy, now } = asked
  if (underWeakerTerms(approval, policy)) return weakerTerms
  try {
    return await unproven(approval, {
      requestDigest,
      publicUrl,
      rule: policy.approvalTerms.approver,
      agentOwner: policy.agent.ownerId,
      actorOwners: policy.actors?.map(({ ownerId }) => ownerId),
      protected: policy.environment.protected,
      oneTimeCodes: await oneTimeCodesOn(db),
      async approver(id) {
        const operator = await readOperator(db, id)
        return {
          active: operator?.state === 'active',
          isApprover: operator?.roles.includes('approver') ?? false,
        }
      },
      passkeys: (id) => listPasskeys(db, id),
      now,
    })
  } catch {
    return 'whether it was approved could not be established'
  }
}

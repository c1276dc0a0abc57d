/**
 * Whether a request that is about to leave was really approved: asked of the row that was just taken, once. Guarantee,
 * against whoever can write the database but holds no approver's passkey: a request does not leave because they wrote
 * that it was approved, who approved it, that one person was enough, or that there was more time. What they could still
 * do is to make themselves an approver: THREAT-MODEL.md.
 *
 * A one-time code signs nothing, so that of a decision that was made with one only the form is checked, and that codes
 * are allowed there at this moment.
 */
import {
  approvalsNeeded,
  decisionRefusal,
  type ApproverRule,
  type DecisionRefusal,
} from '../core/approval.ts'
import { canonicalize, type Canonical } from '../core/canonical.ts'
import type { OperatorId } from '../ids.ts'
import { readEvidence, type Evidence } from './evidence.ts'
import type { Passkey } from './passkey.ts'
import { sendWithinSeconds } from './step.ts'
import type { Approval } from './store.ts'
import { verifyEvidence } from './verify-evidence.ts'

/** What is known beside the row, as it is at this moment. */
export type ProofWorld = {
  /** Of the request that is about to leave. */
  readonly requestDigest: string
  readonly publicUrl: string
  /** The one that the grant and its environment have now; the row's own counts, too. */
  readonly rule: ApproverRule
  readonly agentOwner: OperatorId
  /** Of those that act for the agent. */
  readonly actorOwners?: readonly OperatorId[] | undefined
  readonly protected: boolean
  readonly oneTimeCodes: boolean
  readonly approver: (
    id: OperatorId,
  ) => Promise<{ readonly active: boolean; readonly isApprover: boolean }>
  /** The operator's passkeys, as they are registered. */
  readonly passkeys: (
    id: OperatorId,
  ) => Promise<readonly Pick<Passkey, 'id' | 'credentialId' | 'fingerprint'>[]>
  /** Milliseconds since the epoch, by the clock that the decision was made by. */
  readonly now: number
}

/** Why it does not count as approved, as a sentence; undefined where it does. */
export async function unproven(approval: Approval, world: ProofWorld): Promise<string | undefined> {
  const { document } = approval
  if (
    document.id !== approval.id ||
    document.requestDigest !== world.requestDigest ||
    document.agent.id !== approval.agentId ||
    document.grantId !== approval.grantId ||
    document.environment.id !== approval.environmentId ||
    document.provider !== approval.provider
  )
    return 'what was approved is another request'
  const text = canonicalize(approval.decisions.map(({ evidence }) => evidence))
  const read = readEvidence(Buffer.from(text))
  if (!read.ok) return `no decision about it is proven: ${read.detail}`
  const { evidence } = read
  if (canonicalize(evidence[0]?.document as Canonical) !== canonicalize(document))
    return 'what was decided on is another document'
  return (await unprovenDecision(approval, evidence, world)) ?? outOfTime(approval, evidence, world)
}

async function unprovenDecision(
  approval: Approval,
  evidence: readonly Evidence[],
  world: ProofWorld,
): Promise<string | undefined> {
  const { document } = approval
  const approvedBy: OperatorId[] = []
  for (const made of evidence) {
    const { approver, decision, decidedAt } = made
    if (decision !== 'approve') return 'somebody has denied it'
    for (const rule of new Set([approval.rule, world.rule])) {
      const refusal = decisionRefusal({
        now: decidedAt,
        approval: { state: 'pending', expiresAt: document.expiresAt, approvedBy },
        environment: { protected: world.protected || document.environment.protected, owners: [] },
        agentOwner: world.agentOwner,
        actorOwners: world.actorOwners ?? [],
        rule,
        approver: { id: approver.id, via: 'cookie', ...(await world.approver(approver.id)) },
        decision,
        evidence: made.kind,
        oneTimeCodes: world.oneTimeCodes,
        // Whom it was shown to was a question of the time when it was decided.
        routedTo: [approver.id],
      })
      if (refusal !== undefined) return refusalTexts[refusal]
    }
    const { verdict } = await verifyEvidence(made, {
      origin: world.publicUrl,
      ...(made.kind === 'passkey' ? { fingerprint: await registered(made, world) } : {}),
    })
    if (verdict !== (made.kind === 'passkey' ? 'verified' : 'unverifiable'))
      return 'the evidence of its approval does not hold'
    approvedBy.push(approver.id)
  }
  const needed = Math.max(approvalsNeeded(approval.rule), approvalsNeeded(world.rule))
  return approvedBy.length < needed ? 'too few persons have approved it' : undefined
}

/** The fingerprint of the key as it is registered for this approver: no key's where it is not. */
async function registered(
  { approver, passkey }: Extract<Evidence, { kind: 'passkey' }>,
  world: ProofWorld,
): Promise<string> {
  const known = (await world.passkeys(approver.id)).find(
    ({ id, credentialId }) => id === passkey.id && credentialId === passkey.credentialId,
  )
  return known?.fingerprint ?? 'not registered'
}

/** By what was signed, which is when it expires and how long it is held, and not by what stands beside it in the row. */
function outOfTime(
  { execute, document }: Approval,
  evidence: readonly Evidence[],
  { now }: ProofWorld,
): string | undefined {
  const holdMs = (document.holdSeconds ?? 0) * 1000
  if (holdMs > 0 && execute === 'agent') return 'only the broker may send what is held'
  const decidedAt = Math.max(...evidence.map((made) => made.decidedAt))
  if (now < decidedAt + holdMs) return 'its undo window is not over'
  const end = document.expiresAt + (execute === 'agent' ? 0 : holdMs + sendWithinSeconds * 1000)
  return now < end ? undefined : 'the time for which it was approved is over'
}

const refusalTexts: Readonly<Record<DecisionRefusal, string>> = {
  bearer: 'a bearer decides nothing',
  not_an_approver: 'whoever approved it is no approver any more',
  not_routed: 'it was not theirs to approve',
  not_pending: 'it was over when it was approved',
  expired: 'it had run out when it was approved',
  owner_of_the_agent: 'somebody other than the agent’s owner must approve it',
  already_approved: 'the same person has approved it twice',
  code_not_allowed: 'a one-time code does not approve it',
}

/**
 * From an allowed decision to its recorded outcome: intent, credential, request, answer, outcome. Guarantees: nothing
 * leaves before its intent is on disk (I2); what leaves was rebuilt from what was decided on (I5); the credential's
 * value comes back to the agent in none of its usual spellings (I1); and every intent gets its outcome, whichever side
 * breaks off first.
 */
import type { AuditLog } from '../audit/log.ts'
import type { OutcomeEntry } from '../audit/entry.ts'
import type { Policy } from '../directory/policy.ts'
import type { ProviderAdapter } from '../provider/adapter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import type { Egress } from './egress.ts'
import { keysOf, type Evaluation } from './evaluate.ts'
import { outgoing, unsendable } from './outgoing.ts'
import { decisionEntry, outcomeEntry, type Subject } from './record.ts'
import { deliver, type Delivered, type Failure } from './deliver.ts'
import type { MintedSealer } from './minted.ts'
import type { TokenForRequest } from './minted-token.ts'
import { redactionFor } from './redaction.ts'
import type { AnswerSink } from './reply.ts'
import type { ScrubberFor } from './scrubbers.ts'

export type Forwardable = {
  readonly adapter: ProviderAdapter
  readonly policy: Policy
  readonly subject: Subject
  readonly evaluation: Extract<Evaluation, { kind: 'decided' }>
  readonly method: string
  /** The approval that is used up by this, if it needed one. */
  readonly approvalId?: string | undefined
  /** As the agent sent it, for the log. */
  readonly path: string
  /** The address, without a query, under which the agent asked. */
  readonly askedAt: () => string
  /** `performance.now()` when the request had been read. */
  readonly startedAt: number
}

export type Forwarder = {
  /**
   * Undefined once the answer has been given to `response()`, which is called at most once; a failure where nothing
   * was given to the agent yet. Rejects with `AuditUnavailable` where the intent could not be recorded: nothing left.
   */
  forward(request: Forwardable, response: () => AnswerSink): Promise<Failure | undefined>
}

export function createForwarder(deps: {
  readonly audit: AuditLog
  readonly egress: Egress
  readonly open: OpenCredential
  /** What goes out in place of a credential that mints. */
  readonly tokenFor: TokenForRequest
  readonly minted: MintedSealer
  readonly scrubberFor: ScrubberFor
  readonly now: () => number
}): Forwarder {
  return {
    async forward(request, response) {
      const { policy, subject, adapter, evaluation } = request
      const note = (outcome: Pick<OutcomeEntry, 'result' | 'status' | 'bytes' | 'detail'>): void =>
        deps.audit.note(
          outcomeEntry(subject, deps.now(), {
            ...outcome,
            latencyMs: Math.round((performance.now() - request.startedAt) * 10) / 10,
          }),
        )
      try {
        await deps.audit.append(
          decisionEntry(subject, deps.now(), {
            // With what it goes in place of an approval, where it is that.
            decision:
              evaluation.decision.kind === 'allow' ? evaluation.decision : { kind: 'allow' },
            approvalId: request.approvalId,
            operations: evaluation.operations,
            method: request.method,
            path: request.path,
            body: evaluation.request.body,
          }),
        )
      } catch (error) {
        // Whether the intent was written before the database went away is not known; if it was, this closes it.
        note({ result: 'not_sent', detail: 'the intent could not be recorded in time' })
        throw error
      }

      const token =
        policy.credential.mint === undefined
          ? undefined
          : await deps.tokenFor(subject, evaluation.operations)
      if (token?.ok === false) {
        note({ result: 'not_sent', detail: token.failure.details.detail })
        return token.failure
      }
      const secret = token?.secret ?? (await openSecret(deps.open, policy))
      if (secret === undefined) {
        note({ result: 'not_sent', detail: 'the credential could not be opened' })
        return {
          code: 'unavailable',
          details: { detail: 'the credential could not be opened; its operator must look' },
        }
      }
      const leaving = outgoing(adapter, evaluation.request, policy.credential, secret, deps.now())
      if (!leaving.ok) {
        const detail = unsendable[leaving.why]
        note({ result: 'not_sent', detail })
        return { code: 'unavailable', details: { detail: `${detail}; its operator must look` } }
      }
      const invocations = evaluation.operations.map(({ invocation }) => invocation)
      // Both when the answer begins, because the agent acts on it from then on, and when it is over, however it ended.
      const settled = (): void => adapter.delivered?.(invocations, keysOf(policy))
      let delivered: Delivered
      try {
        delivered = await deliver({
          egress: deps.egress,
          origin: leaving.origin,
          request: leaving.request,
          scrubber: token?.guard ?? deps.scrubberFor(policy.credential, secret),
          correlationId: subject.correlationId,
          redaction: redactionFor(adapter, policy.grant.minted === 'reveal', evaluation.operations),
          onMinted: (value) => deps.minted.handle(policy, subject, value),
          response,
          onAnswer: settled,
          links: () => ({
            origins: [leaving.origin, ...adapter.origins],
            path: leaving.request.target.split('?', 1)[0] ?? '',
            askedAt: request.askedAt(),
            samePath: adapter.samePath,
          }),
        })
      } catch (error) {
        note({ result: 'unknown', detail: 'the broker failed on the way' })
        throw error
      } finally {
        settled()
      }
      note(delivered.outcome)
      if (delivered.outcome.status === 401) token?.refused()
      return delivered.failure
    },
  }
}

async function openSecret(open: OpenCredential, policy: Policy): ReturnType<OpenCredential> {
  try {
    return await open(policy.credential)
  } catch {
    return undefined
  }
}

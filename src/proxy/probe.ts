/** Asks a provider, when a credential is stored, what that credential can reach: wider than its environment is a warning. */
import { clip } from '../audit/entry.ts'
import type { AuditLog } from '../audit/log.ts'
import type { Place } from '../core/operation.ts'
import { newId } from '../ids.ts'
import type { Ask, ProviderAdapter, Reach } from '../provider/adapter.ts'
import type { SecretText } from '../vault/secret-text.ts'
import { collectJson } from './collect.ts'
import type { Egress } from './egress.ts'
import { outgoing, secretTexts, unsendable } from './outgoing.ts'
import { createScrubber, type Scrubber } from './scrub.ts'

/** The whole of the asking, in milliseconds: an admin waits for it, and the secret is stored all the same. */
const deadline = 8_000

export type Prober = {
  reach(
    adapter: ProviderAdapter,
    secret: SecretText,
    target: {
      readonly origin: string
      readonly style: string
      readonly bound: ReadonlySet<Place>
      /** Where the secret was minted: also what it was minted with must not come back. */
      readonly scrubber?: Scrubber
      /** The request of the admin who stores it. */
      readonly correlationId: string
    },
  ): Promise<Reach>
}

export function createProber(deps: {
  readonly audit: AuditLog
  readonly egress: Egress
  readonly now: () => number
}): Prober {
  return {
    async reach(adapter, secret, target) {
      // What it finds is kept as it is, and shown to operators.
      const scrubber = target.scrubber ?? createScrubber(secretTexts(secret))
      const ask: Ask = async (question) => {
        const correlationId = newId('correlation')
        const common = {
          correlationId,
          actor: { kind: 'system', id: 'prober' },
          provider: adapter.name,
        } as const
        await deps.audit.append({
          ...common,
          kind: 'system',
          result: 'done',
          at: deps.now(),
          action: 'credential.probe',
          detail: clip(`for ${target.correlationId}: ${question.method} ${question.target}`),
        })
        const leaving = outgoing(adapter, question, target, secret, deps.now())
        if (!leaving.ok) throw new Error(unsendable[leaving.why])
        const collected = await collectJson(deps.egress, leaving.origin, leaving.request, (bytes) =>
          scrubber.body(bytes),
        )
        if (!collected.ok) throw new Error(collected.failure.detail)
        const { status, json, text } = collected
        return { status, json, ...(text === undefined ? {} : { text }) }
      }
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<Reach>((resolve) => {
        timer = setTimeout(resolve, deadline, {
          kind: 'unknown',
          detail: 'the provider did not answer in time',
        })
      })
      try {
        return await Promise.race([adapter.reach(ask, target.bound), late])
      } catch {
        return { kind: 'unknown', detail: 'the provider could not be asked' }
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/**
 * The broker's own questions to a provider, to establish where an id lives. They go out with the credential that an
 * admin gave for look-ups only, else with the grant's own. Each is on record before it leaves, under a correlation of its
 * own that names the request it was asked for.
 */
import type { AuditLog } from '../audit/log.ts'
import { clip, type Actor } from '../audit/entry.ts'
import type { Policy } from '../directory/policy.ts'
import { newId } from '../ids.ts'
import type { Ask, ProviderAdapter } from '../provider/adapter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import { collectJson } from './collect.ts'
import type { Egress } from './egress.ts'
import type { MintedTokens } from './minted-token.ts'
import { outgoing, unsendable } from './outgoing.ts'
import type { ScrubberFor } from './scrubbers.ts'

const resolver: Actor = { kind: 'system', id: 'resolver' }
/** A whole look-up, in milliseconds; the agent waits for it. */
const deadline = 10_000

export type Lookups = { askFor(policy: Policy, adapter: ProviderAdapter, cause: string): Ask }

export function createLookups(deps: {
  readonly audit: AuditLog
  readonly egress: Egress
  readonly open: OpenCredential
  /** What goes out in place of a credential that mints. */
  readonly tokenFor: MintedTokens['forLookup']
  readonly scrubberFor: ScrubberFor
  readonly now: () => number
}): Lookups {
  return {
    askFor: (policy, adapter, cause) => async (question, by) => {
      const correlationId = newId('correlation')
      const { environment } = policy
      const credential = by === 'acting' ? policy.credential : policy.lookupCredential
      // Asking with the other one in its place would see less, and take what it does not see for what is not there.
      if (credential.state !== 'active') throw new Error('the credential for look-ups is disabled')
      const start = performance.now()
      const common = {
        correlationId,
        actor: resolver,
        environment: { id: environment.id, name: environment.name },
        provider: adapter.name,
        grantId: policy.grant.id,
      }
      await deps.audit.append({
        ...common,
        kind: 'lookup',
        result: 'asked',
        at: deps.now(),
        cause,
        method: question.method,
        path: clip(question.target),
        credential: { id: credential.id, version: credential.version },
      })
      const note = (outcome: {
        result: 'completed' | 'failed' | 'timeout' | 'not_sent'
        status?: number
        detail?: string
      }) =>
        deps.audit.note({
          ...common,
          kind: 'outcome',
          at: deps.now(),
          latencyMs: Math.round((performance.now() - start) * 10) / 10,
          ...outcome,
        })
      const token =
        credential.mint === undefined
          ? undefined
          : await deps.tokenFor(policy, credential, correlationId)
      const secret =
        token === undefined
          ? await deps.open(credential).catch(() => undefined)
          : token.ok
            ? token.secret
            : undefined
      if (secret === undefined) {
        note({ result: 'not_sent', detail: 'the credential could not be opened' })
        throw new Error('the credential could not be opened')
      }
      const leaving = outgoing(adapter, question, credential, secret, deps.now())
      if (!leaving.ok) {
        const detail = unsendable[leaving.why]
        note({ result: 'not_sent', detail })
        throw new Error(detail)
      }
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, deadline, undefined)
      })
      const collected = await Promise.race([
        // What an answer says is shown to whoever approves: it is scrubbed like one that an agent gets (I1).
        collectJson(deps.egress, leaving.origin, leaving.request, (bytes) =>
          (token?.ok === true ? token.guard : deps.scrubberFor(credential, secret)).body(bytes),
        ),
        late,
      ])
      clearTimeout(timer)
      if (collected === undefined) {
        note({ result: 'timeout' })
        throw new Error('the provider did not answer in time')
      }
      if (!collected.ok) {
        note({ result: 'failed', detail: collected.failure.detail })
        throw new Error('the provider could not be asked')
      }
      note({ result: 'completed', status: collected.status })
      if (collected.status === 401 && token?.ok === true) token.refused()
      const { status, json, text } = collected
      return { status, json, ...(text === undefined ? {} : { text }) }
    },
  }
}

/**
 * The broker's own questions to a provider, to establish where an id lives. They go out with the grant's credential, so
 * each is on record before it leaves, under a correlation of its own that names the request it was asked for.
 */
import type { AuditLog } from '../audit/log.ts'
import { clip, type Actor } from '../audit/entry.ts'
import type { Policy } from '../directory/policy.ts'
import { newId } from '../ids.ts'
import type { Ask, ProviderAdapter } from '../provider/adapter.ts'
import type { OpenCredential } from '../vault/opener.ts'
import { collectJson } from './collect.ts'
import type { Egress } from './egress.ts'
import { outgoingHeaders } from './outgoing.ts'

const resolver: Actor = { kind: 'system', id: 'resolver' }
/** A whole look-up, in milliseconds; the agent waits for it. */
const deadline = 10_000

export type Lookups = { askFor(policy: Policy, adapter: ProviderAdapter, cause: string): Ask }

export function createLookups(deps: {
  readonly audit: AuditLog
  readonly egress: Egress
  readonly open: OpenCredential
  readonly now: () => number
}): Lookups {
  return {
    askFor: (policy, adapter, cause) => async (question) => {
      const correlationId = newId('correlation')
      const { credential, environment } = policy
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
      const secret = await deps.open(credential).catch(() => undefined)
      if (secret === undefined) {
        note({ result: 'not_sent', detail: 'the credential could not be opened' })
        throw new Error('the credential could not be opened')
      }
      const headers = outgoingHeaders(adapter, question, credential, secret)
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, deadline, undefined)
      })
      const collected = await Promise.race([
        collectJson(deps.egress, credential.origin, { ...question, headers }),
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
      return { status: collected.status, json: collected.json }
    },
  }
}

/**
 * Sign-ins that came to nothing. Each has an entry (I2), but strangers cannot fill the log with theirs: sixty in a minute
 * are written down at each door, the others are counted.
 */
import type { FastifyRequest } from 'fastify'
import { createLimiter } from '../proxy/limiter.ts'
import type { Deps } from './deps.ts'
import { createNoise } from './noise.ts'

/** In a minute. */
const mostOnRecord = 60

export type SignInRefusals = {
  /** `reason` says why it failed; after a colon, somebody else's words. `name`: what was typed. `subject`: whom it was about. */
  record(
    request: FastifyRequest,
    reason: string,
    about?: { readonly name?: string; readonly subject?: string },
  ): Promise<void>
  /** Of whoever has not even begun one here: counted, and no more. */
  count(reason: string): void
  close(): void
}

export function createSignInRefusals(deps: Pick<Deps, 'audit' | 'now'>): SignInRefusals {
  const noise = createNoise(deps, 'operator.unauthenticated')
  const onRecord = createLimiter()
  return {
    count: (reason) => noise.count(reason),
    close: () => noise.close(),
    async record(request, reason, { name, subject } = {}) {
      if (!onRecord.take('sign_in', mostOnRecord, deps.now())) {
        noise.count(reason.split(':')[0] ?? reason)
        return
      }
      await deps.audit.append({
        kind: 'sign_in',
        result: 'refused',
        at: deps.now(),
        correlationId: request.id,
        actor: { kind: 'operator', id: 'unknown', ...(name === undefined ? {} : { name }) },
        ...(subject === undefined ? {} : { subject }),
        reason,
      })
    },
  }
}

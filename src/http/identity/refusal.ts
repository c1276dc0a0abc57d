/**
 * Sign-ins at the identity provider that came to nothing. Each has an entry (I2), but strangers cannot fill the log with
 * theirs: what no attempt of ours stands behind is counted, and of the rest so many are written down in a minute.
 */
import type { FastifyRequest } from 'fastify'
import { createLimiter } from '../../proxy/limiter.ts'
import type { Deps } from '../deps.ts'
import { createNoise } from '../noise.ts'
import type { Identity } from '../../directory/operator-identity.ts'
import { identityText } from './entry.ts'

const refusalsOnRecord = 60

export type IdentityRefusals = {
  /** Of whoever has started a sign-in here: `reason` says why it failed. */
  record(request: FastifyRequest, reason: string, identity?: Identity): Promise<void>
  /** Of anybody. */
  count(reason: string): void
  close(): void
}

export function createIdentityRefusals(deps: Deps): IdentityRefusals {
  const noise = createNoise(deps, 'operator.unauthenticated')
  const onRecord = createLimiter()
  return {
    count: (reason) => noise.count(reason),
    close: () => noise.close(),
    async record(request, reason, identity) {
      if (!onRecord.take('identity', refusalsOnRecord, deps.now())) {
        noise.count(reason.split(':')[0] ?? reason)
        return
      }
      await deps.audit.append({
        kind: 'sign_in',
        result: 'refused',
        at: deps.now(),
        correlationId: request.id,
        actor: { kind: 'operator', id: 'unknown' },
        ...(identity === undefined ? {} : { subject: identityText(identity) }),
        reason,
      })
    },
  }
}

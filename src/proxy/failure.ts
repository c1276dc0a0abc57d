/** What the agent is told where it was given nothing of the provider's answer. */
import type { ProblemCode, ProblemDetails } from '../problem.ts'
import type { EgressFailure } from './egress.ts'

export type Failure = { readonly code: ProblemCode; readonly details: ProblemDetails }

export function upstreamFailed(detail: string): Failure {
  return { code: 'upstream_failed', details: { detail } }
}

export function failureFor(kind: EgressFailure['kind']): Failure {
  switch (kind) {
    case 'unreachable':
      return {
        code: 'upstream_unreachable',
        details: { detail: 'no connection to the provider could be made; nothing was sent' },
      }
    case 'timeout':
      return {
        code: 'upstream_timeout',
        details: {
          detail: 'the provider did not answer in time; whether it did what was asked is not known',
        },
      }
    case 'failed':
    case 'aborted':
      return upstreamFailed('the provider broke off; whether it did what was asked is not known')
  }
}

/**
 * From the many reasons inside to the few stable codes outside (I7). A refusal names the capability's own environment
 * and nothing else: which other environment or id exists is in the audit log, not in the agent's answer.
 */
import type { Decision, DenyReason } from '../core/decide.ts'
import type { ProblemCode, ProblemDetails } from '../problem.ts'

export type Denial = { readonly code: ProblemCode; readonly details: ProblemDetails }

export function denialOf(
  decision: Exclude<Decision, { kind: 'allow' } | { kind: 'locate' }>,
  environment: string,
): Denial {
  if (decision.kind === 'deny') return fromReason(decision.reason, environment)
  return {
    code: 'approval_required',
    details: {
      detail: `a person must approve this: ${decision.because.join('; ')}`,
      members: { because: decision.because },
    },
  }
}

function fromReason(reason: DenyReason, environment: string): Denial {
  switch (reason.kind) {
    case 'capability_expired':
      return {
        code: 'capability_expired',
        details: { detail: 'ask for a new one at /oauth/token' },
      }
    case 'capability_mismatch':
      return {
        code: 'capability_invalid',
        details: {
          detail: 'the capability is not one for this provider, or no longer agrees with its grant',
        },
      }
    case 'grant_inactive':
      return {
        code: 'grant_inactive',
        details: { detail: `the grant, or something it rests on, is ${reason.state}` },
      }
    case 'frozen':
      return {
        code: 'frozen',
        details: {
          detail: `an operator has frozen ${reason.scope === 'everything' ? 'everything' : `this ${reason.scope}`}`,
        },
      }
    case 'no_operation':
      return { code: 'not_understood', details: { detail: 'the request names no operation' } }
    case 'account_scope':
      return {
        code: 'environment_outside',
        details: {
          detail: `${reason.operation} concerns the account as a whole, and touches something outside ${environment}`,
          members: { environment, operation: reason.operation },
        },
      }
    case 'verb_missing':
      return {
        code: 'verb_missing',
        details: {
          detail: verbMissing(reason, environment),
          members: {
            environment,
            operation: reason.operation,
            missing_verbs: reason.verbs,
            ask: reason.grantCovers ? '/oauth/token' : 'admin',
            // What changed since the review can be given to nobody before the next one.
            ...(reason.grantCovers || reason.unreviewed === 'changed'
              ? {}
              : { access_request: '/v1/access-requests' }),
            ...(reason.unreviewed === undefined ? {} : { unreviewed: reason.unreviewed }),
          },
        },
      }
    case 'argument_forbidden':
      return {
        code: 'argument_forbidden',
        details: {
          detail: `the grant limits the argument ${reason.path} of ${reason.operation}, and this value is not within the limit`,
          members: { operation: reason.operation, argument: reason.path },
        },
      }
    case 'widens':
      return {
        code: 'environment_outside',
        details: {
          detail: `${reason.operation} reaches something that cannot be told to lie inside ${environment}: ${reason.edge}`,
          members: { environment, operation: reason.operation },
        },
      }
    case 'nothing_located':
      return {
        code: 'environment_unresolved',
        details: {
          detail: `${reason.operation} names nothing by which it could be told what it touches; name an id that belongs to ${environment}`,
          members: { environment, operation: reason.operation },
        },
      }
    case 'unresolved':
      return {
        code: 'environment_unresolved',
        details: {
          detail: `what ${reason.operation} touches could not be established from the provider’s answer, so it is not known to lie inside ${environment}`,
          members: { environment, operation: reason.operation },
        },
      }
    case 'outside':
      return {
        code: 'environment_outside',
        details: {
          detail: `${reason.operation} touches something outside ${environment}`,
          members: { environment, operation: reason.operation },
        },
      }
    case 'not_approvable':
      return {
        code: 'not_approvable',
        details: {
          detail: `a person would have to approve ${reason.operation}, and nobody can: its body is not read, so nobody could say what is in it. Ask an admin to do it, or for a grant in ${environment} that needs no approval for it`,
          members: { environment, operation: reason.operation },
        },
      }
  }
}

/** The way out: another capability, another grant, more for a time, or an admin's look at what the catalogue says now. */
function verbMissing(
  reason: Extract<DenyReason, { kind: 'verb_missing' }>,
  environment: string,
): string {
  const { operation, unreviewed } = reason
  const verbs = reason.verbs.join(', ')
  const review = 'ask an admin to review the grant (valetkey grant review)'
  if (reason.grantCovers)
    return `this capability does not cover ${operation}, but its grant does: ask for a capability with the verb ${verbs}`
  if (unreviewed === 'changed')
    return `${operation} changed since the grant was reviewed, and no verb covers it before the next review: ${review}`
  if (unreviewed === 'new')
    return `${operation} is new since the grant was reviewed, and only a verb that names it covers it: ${review}, or for the verb ${verbs} in ${environment}, which can also be asked for a time (POST /v1/access-requests)`
  return `the grant does not cover ${operation}: ask for access for a time (POST /v1/access-requests), or ask an admin for the verb ${verbs} in ${environment}`
}

/** What the audit log says besides: everything, in the provider's own ids. */
export function auditReason(decision: Decision): { reason?: string; about?: readonly string[] } {
  switch (decision.kind) {
    case 'allow':
      return decision.breakGlass === undefined
        ? {}
        : { reason: 'break_glass', about: decision.breakGlass.because }
    case 'locate':
      return {}
    case 'needs_approval':
      return { reason: 'approval_required', about: decision.because }
    case 'deny': {
      const { reason } = decision
      switch (reason.kind) {
        case 'capability_expired':
        case 'capability_mismatch':
        case 'no_operation':
          return { reason: reason.kind }
        case 'grant_inactive':
          return { reason: reason.kind, about: [reason.state] }
        case 'frozen':
          return { reason: reason.kind, about: [reason.scope] }
        case 'account_scope':
        case 'not_approvable':
        case 'nothing_located':
          return { reason: reason.kind, about: [reason.operation] }
        case 'verb_missing':
          return {
            reason: reason.kind,
            about:
              reason.unreviewed === undefined ? reason.verbs : [...reason.verbs, reason.unreviewed],
          }
        case 'argument_forbidden':
          return { reason: reason.kind, about: [reason.operation, reason.path] }
        case 'widens':
          return { reason: reason.kind, about: [reason.operation, reason.edge] }
        case 'unresolved':
          return {
            reason: reason.kind,
            about: reason.unresolved.map((item) => `${item.kind}:${item.id} ${item.why}`),
          }
        case 'outside':
          return { reason: reason.kind, about: reason.places }
      }
    }
  }
}

/**
 * A refusal in a form that a provider's own clients take for one. Some know an error by a member of the answer and not by
 * its status (stripe-node): to them a problem without it is a success, and an agent goes on as if its refund were made.
 * RFC 9457 §3.2: a problem may have members of its own, and whoever does not know one ignores it.
 */
import { Problem, problemType } from '../problem.ts'
import type { ProviderAdapter } from '../provider/adapter.ts'

export function forClientsOf(adapter: ProviderAdapter | undefined, problem: Problem): Problem {
  const member = adapter?.errorMember
  if (member === undefined) return problem
  const { code, details } = problem
  const error = { ...details.members, type: problemType(code), code, message: details.detail }
  return new Problem(code, { ...details, members: { ...details.members, [member]: error } })
}

/**
 * What an answer to a request for access depends on, read afresh: who answers, what has become of the request and of the
 * grant that it was asked under, and what is left of the verbs. The rules are in core/access-request.ts.
 */
import type { FastifyRequest } from 'fastify'
import { oneTimeCodesOn } from '../../approval/one-time-code.ts'
import { accessDocument, type AccessDocument } from '../../core/access-document.ts'
import {
  effectsOf,
  narrowWish,
  onlyAdminsGive,
  readWish,
  settlingRefusal,
  type SettlingFacts,
  type SettlingRefusal,
} from '../../core/access-request.ts'
import { effectiveTerms } from '../../core/approval-terms.ts'
import { readAccessRequest, type AccessRequest } from '../../directory/access-request.ts'
import { readEnvironment } from '../../directory/environment.ts'
import { readOperator } from '../../directory/operator.ts'
import type { Policy } from '../../directory/policy.ts'
import { Problem } from '../../problem.ts'
import { frozen } from '../../proxy/standing.ts'
import { adapterOf, frozenDetail, standingOf } from '../access-request.ts'
import type { Deps } from '../deps.ts'
import { operatorOf } from '../operator-auth.ts'

type Reader = Parameters<typeof readOperator>[0]

/** What whoever grants chooses of what was asked: all of it where they say nothing. */
export type Chosen = {
  readonly verbs: readonly string[] | undefined
  readonly seconds: number | undefined
}

export function refusalProblem(refusal: SettlingRefusal, policy?: Policy, now = 0): Problem {
  switch (refusal) {
    case 'bearer':
      return new Problem(
        'forbidden',
        'a stored bearer answers no request for access: sign in with a cookie',
      )
    case 'not_an_approver':
      return new Problem('forbidden', 'this needs the role approver or admin')
    case 'not_pending':
      return new Problem('conflict', 'this request has been answered')
    case 'expired':
      return new Problem('conflict', 'nobody answered this request in time: it must be asked again')
    case 'filed_it':
      return new Problem('forbidden', 'nobody grants what they asked for themselves')
    case 'not_an_owner':
      return new Problem(
        'forbidden',
        'this environment has owners, and only they grant access to it',
      )
    case 'owner_of_the_agent':
      return new Problem(
        'forbidden',
        'here somebody else than the agent’s owner must approve, and so must grant access',
      )
    case 'code_not_allowed':
      return new Problem(
        'forbidden',
        'one-time codes are off, or the environment is protected: grant it with a passkey, in a browser',
      )
    case 'inactive': {
      const standing = policy === undefined ? 'gone' : standingOf(policy, now)
      return new Problem(
        'conflict',
        `the grant that it was asked under, or something it rests on, is ${standing}`,
      )
    }
    case 'frozen': {
      const scope = policy === undefined ? undefined : frozen(policy)
      return new Problem('frozen', frozenDetail(scope ?? 'everything'))
    }
  }
}

/**
 * The facts of an answer that is allowed at this moment; throws a `Problem` where it is not. For the answer itself, `db`
 * is the transaction that settles: the password and the touch took their time, and whoever was demoted meanwhile is.
 */
export async function requireSettling(
  deps: Deps,
  db: Reader,
  request: FastifyRequest,
  found: AccessRequest,
  policy: Policy,
  given: Pick<SettlingFacts, 'decision' | 'proof'>,
): Promise<SettlingFacts> {
  const self = operatorOf(request).id
  const operator = await readOperator(db, self)
  const environment = await readEnvironment(db, found.environmentId)
  const now = deps.now()
  const current = await readAccessRequest(db, found.id, now)
  const facts: SettlingFacts = {
    ...given,
    now,
    request: {
      state: current?.state ?? 'expired',
      expiresAt: found.expiresAt.getTime(),
      filedBy: found.filedBy,
    },
    standing: environment === undefined ? 'revoked' : standingOf(policy, now),
    frozen: frozen(policy),
    owners: environment?.owners ?? [],
    agentOwner: policy.agent.ownerId,
    rule: effectiveTerms(policy.grant.approvalTerms, environment?.approvalTerms).approver,
    protected: environment?.protected ?? true,
    oneTimeCodes: await oneTimeCodesOn(db),
    operator: {
      id: self,
      active: operator?.state === 'active',
      roles: operator?.roles ?? [],
      via: request.signedIn?.via ?? 'bearer',
    },
  }
  const refusal = settlingRefusal(facts)
  if (refusal !== undefined) throw refusalProblem(refusal, policy, now)
  return facts
}

/** What would be given, as a person signs it; or a `Problem` about why it cannot be. */
export function drawAccess(
  deps: Deps,
  policy: Policy,
  found: AccessRequest,
  chosen: Chosen,
  facts: SettlingFacts,
  nonce: { readonly challenge: Uint8Array; readonly expiresAt: Date },
): AccessDocument {
  const adapter = adapterOf(deps, policy)
  const lookUp = (name: string) => adapter.find(name)
  const narrowed = narrowWish(found.asked, chosen, lookUp)
  if (!narrowed.ok) {
    throw narrowed.wider === 'seconds'
      ? invalid('/duration_seconds', 'it is longer than what was asked for')
      : invalid('/verbs', `more than was asked for: ${narrowed.wider.slice(0, 5).join(', ')}`)
  }
  // Once more, and against the catalogue as it is now: a day may lie between asking and granting.
  const read = readWish(narrowed.verbs, adapter, policy.unreviewed)
  if (!read.ok) throw invalid('/verbs', read.wrong[0]?.why ?? 'it names nothing')
  const reserved = facts.operator.roles.includes('admin') ? [] : onlyAdminsGive(read.verbs, lookUp)
  if (reserved.length > 0) {
    throw new Problem(
      'forbidden',
      `only an admin gives ${reserved.slice(0, 5).join(', ')}: grant the rest, or ask one`,
    )
  }
  const { agent, environment, grant: base } = policy
  return accessDocument({
    request: found,
    agent,
    base,
    environment: { id: environment.id, name: environment.name, protected: facts.protected },
    verbs: read.verbs.map((verb) => ({ verb, effects: effectsOf(verb, lookUp) ?? [] })),
    seconds: narrowed.seconds,
    until: nonce.expiresAt,
    nonce: nonce.challenge,
  })
}

function invalid(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

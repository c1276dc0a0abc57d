/** How the terms of approvals are spelled over REST. */
import Type, { type Static } from 'typebox'
import {
  longestWait,
  type ApprovalTerms,
  type EnvironmentTerms,
} from '../../core/approval-terms.ts'
import type { Precondition } from '../../core/precondition.ts'
import { closed } from '../schemas.ts'

const day = 86_400

const Approver = Type.Union(
  [Type.Literal('anyone'), Type.Literal('not_owner'), Type.Literal('two_persons')],
  {
    description:
      'Who may say yes: any approver who is asked; somebody other than the agent’s owner; or two different persons.',
  },
)
const Preconditions = Type.Array(
  closed({
    name: Type.Union([
      Type.Literal('newest_independent_backup'),
      Type.Literal('newest_surviving_backup'),
    ]),
    max_age_seconds: Type.Integer({ minimum: 1, maximum: 366 * day }),
  }),
  { maxItems: 10, description: 'What must hold before anybody is asked, as the provider says.' },
)
const HoldSeconds = Type.Integer({
  minimum: 0,
  maximum: day,
  description:
    'Seconds for which an approved request is held, and can be cancelled, before the broker sends it.',
})

export const GrantTerms = closed({
  approver: Type.Optional(Approver),
  expiry_seconds: Type.Optional(
    Type.Integer({
      minimum: 10,
      maximum: day,
      description: 'Seconds in which somebody must decide; 300 by default. Silence is a no.',
    }),
  ),
  wait_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: longestWait,
      description:
        'Seconds for which a call is held open for its decision, for clients that never send Prefer: wait.',
    }),
  ),
  execute: Type.Optional(
    Type.Union([Type.Literal('agent'), Type.Literal('broker')], {
      description:
        'Who sends an approved request: the agent, by sending it again, or the broker, which keeps the answer for it.',
    }),
  ),
  hold_seconds: Type.Optional(HoldSeconds),
  preconditions: Type.Optional(Preconditions),
})

export const EnvironmentTermsShape = closed({
  approver: Type.Optional(Approver),
  hold_seconds: Type.Optional(HoldSeconds),
  preconditions: Type.Optional(Preconditions),
  escalate_seconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: day,
      description:
        'Seconds for which only the owners of the environment are asked; then every approver is. 120 by default.',
    }),
  ),
})

export function grantTerms(terms: Static<typeof GrantTerms>): ApprovalTerms {
  return {
    approver: terms.approver,
    expirySeconds: terms.expiry_seconds,
    waitSeconds: terms.wait_seconds,
    execute: terms.execute,
    holdSeconds: terms.hold_seconds,
    preconditions: terms.preconditions?.map(toPrecondition),
  }
}

export function environmentTerms(terms: Static<typeof EnvironmentTermsShape>): EnvironmentTerms {
  return {
    approver: terms.approver,
    holdSeconds: terms.hold_seconds,
    preconditions: terms.preconditions?.map(toPrecondition),
    escalateSeconds: terms.escalate_seconds,
  }
}

function toPrecondition(said: {
  name: Precondition['name']
  max_age_seconds: number
}): Precondition {
  return { name: said.name, maxAgeSeconds: said.max_age_seconds }
}

function preconditionsView(preconditions: readonly Precondition[] | undefined) {
  if (preconditions === undefined) return {}
  const said = preconditions.map(({ name, maxAgeSeconds }) => ({
    name,
    max_age_seconds: maxAgeSeconds,
  }))
  return { preconditions: said }
}

/** As they were said: what is not said is not invented. */
export function termsView(terms: ApprovalTerms): Static<typeof GrantTerms> {
  return {
    ...(terms.approver === undefined ? {} : { approver: terms.approver }),
    ...(terms.expirySeconds === undefined ? {} : { expiry_seconds: terms.expirySeconds }),
    ...(terms.waitSeconds === undefined ? {} : { wait_seconds: terms.waitSeconds }),
    ...(terms.execute === undefined ? {} : { execute: terms.execute }),
    ...(terms.holdSeconds === undefined ? {} : { hold_seconds: terms.holdSeconds }),
    ...preconditionsView(terms.preconditions),
  }
}

export function environmentTermsView(
  terms: EnvironmentTerms,
): Static<typeof EnvironmentTermsShape> {
  return {
    ...(terms.approver === undefined ? {} : { approver: terms.approver }),
    ...(terms.holdSeconds === undefined ? {} : { hold_seconds: terms.holdSeconds }),
    ...preconditionsView(terms.preconditions),
    ...(terms.escalateSeconds === undefined ? {} : { escalate_seconds: terms.escalateSeconds }),
  }
}

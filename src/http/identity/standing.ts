/**
 * Whether a sign-in that the identity provider stands behind still stands. Guarantee, against whoever was let go, lost a
 * group, or has the cookie of such a person: access ends fifteen minutes after the provider would no longer let them in,
 * and five where it answers: the first request after five minutes waits for the provider's word. What the provider does
 * not say anew within fifteen minutes has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tx } from '../../db/open.ts'
import type { SignInRecord } from '../../directory/operator.ts'
import { endAllSignIns, endTurn, readSignInById, takeTurn } from '../../directory/sign-in.ts'
import type { SignIn } from '../../directory/sign-in.ts'
import { lockOperatorOfIdentity, setRolesOfGroups } from '../../directory/operator-identity.ts'
import type { Met } from '../../federation/identity-provider.ts'
import type { SignInId } from '../../ids.ts'
import type { Deps } from '../deps.ts'
import { changeWithin } from './change.ts'
import { byProvider, rolesChanged } from './entry.ts'

/** After how long the provider is asked again, and for how long its last word holds at the most; in milliseconds. */
export const askAfter = 300_000
export const longestUnasked = 900_000

export type Standing = 'stands' | 'over' | 'unavailable'

export type SignInStanding = {
  /** `operator`: as they were read for this request, tied to the provider. */
  standing(signIn: SignIn, operator: SignInRecord, correlationId: string): Promise<Standing>
}

export function createSignInStanding(deps: Deps): SignInStanding {
  /** In this process: a page makes several requests at once, and one of them asks. */
  const asked = new Map<SignInId, Promise<Standing>>()

  async function ask(
    signIn: SignIn,
    operator: SignInRecord,
    correlationId: string,
  ): Promise<Standing> {
    const { id, confirmedAt } = signIn
    const unconfirmed = (): Standing =>
      deps.now() - confirmedAt < longestUnasked ? 'stands' : 'unavailable'
    if (!(await takeTurn(deps.db, id, confirmedAt, deps.now()))) {
      if (unconfirmed() === 'stands') return 'stands'
      return waitForOther(id, confirmedAt)
    }
    const met = await confirmed(signIn, operator)
    /** What was said is of the person whom was asked about, who may be no operator, or another, by now. */
    const stillThem = async (tx: Tx): Promise<boolean> =>
      operator.identity !== undefined &&
      (await lockOperatorOfIdentity(tx, operator.identity)) === operator.id
    if (!met.ok && met.why === 'refused') {
      await changeWithin(deps, async (tx) => {
        if (!(await stillThem(tx))) return { value: undefined, entries: [] }
        await endAllSignIns(tx, operator.id)
        const entry = byProvider(deps, correlationId, operator, {
          action: 'operator.end_sign_ins',
          reason: `the identity provider no longer lets them in: ${met.detail}`,
        })
        return { value: undefined, entries: [entry] }
      })
      return 'over'
    }
    // Its turn is kept: whoever comes next within some seconds does not wait for a provider that does not answer.
    if (!met.ok) return unconfirmed()
    const { refreshToken, person } = met
    const roles = person.groups === undefined ? undefined : deps.identity?.rolesOf(person.groups)
    if (roles === undefined) {
      // It took the token, and said nothing about the person: what was known is known no better.
      await endTurn(deps.db, deps.signInSealer, id, { refreshToken, now: confirmedAt })
      return unconfirmed()
    }
    return changeWithin<Standing>(deps, async (tx) => {
      if (!(await stillThem(tx))) return { value: 'over', entries: [] }
      const before = await setRolesOfGroups(tx, operator.id, roles)
      if (roles.length === 0) await endAllSignIns(tx, operator.id)
      else await endTurn(tx, deps.signInSealer, id, { refreshToken, now: deps.now() })
      const entry =
        before === undefined && roles.length > 0
          ? undefined
          : rolesChanged(deps, correlationId, operator, before ?? [], roles)
      return { value: roles.length === 0 ? 'over' : 'stands', entries: [entry] }
    })
  }

  async function confirmed({ id, sealed }: SignIn, { identity }: SignInRecord): Promise<Met> {
    const provider = deps.identity?.provider
    if (provider === undefined || sealed === undefined || identity === undefined)
      return { ok: false, why: 'refused', detail: 'there is nothing to ask with' }
    const opened = await deps.signInSealer.open(sealed, id)
    const token = opened.toString()
    opened.fill(0)
    return provider.confirm(token, identity.subject)
  }

  /** Another replica asks: what it hears holds here, too. */
  async function waitForOther(id: SignInId, confirmedAt: number): Promise<Standing> {
    for (let i = 0; i < 30; i++) {
      await sleep(100)
      const now = await readSignInById(deps.db, id)
      if (now === undefined) return 'over'
      if (now.confirmedAt !== confirmedAt) return 'stands'
    }
    return 'unavailable'
  }

  return {
    async standing(signIn, operator, correlationId) {
      const { identity } = operator
      const now = deps.now()
      if (signIn.endsAt <= now || identity?.issuer !== deps.identity?.provider.issuer) return 'over'
      const age = now - signIn.confirmedAt
      if (age < askAfter) return 'stands'
      if (signIn.sealed === undefined) return age < longestUnasked ? 'stands' : 'over'
      let answer = asked.get(signIn.id)
      if (answer === undefined) {
        answer = ask(signIn, operator, correlationId).finally(() => asked.delete(signIn.id))
        asked.set(signIn.id, answer)
      }
      return answer
    },
  }
}

/**
 * Somebody whom the identity provider has let in, and what they are here. Guarantees: who they are is issuer and subject,
 * and no name leads to another operator; their roles are those of their groups, at each sign-in; who has none, or was
 * disabled here, gets no further, and what they had has ended. An operator who comes into being is on record in words
 * that nobody who reads the log can pass over.
 */
import { clip, type AdminEntry, type SignInEntry } from '../../audit/entry.ts'
import {
  createFromIdentity,
  lockOperatorOfIdentity,
  setRolesOfGroups,
  type Identity,
  type Role,
} from '../../directory/operator-identity.ts'
import { readOperator } from '../../directory/operator.ts'
import { endAllSignIns, openSignIn } from '../../directory/sign-in.ts'
import type { Person } from '../../federation/identity-provider.ts'
import type { OperatorId, SignInId } from '../../ids.ts'
import type { Deps } from '../deps.ts'
import { changeWithin } from './change.ts'
import { byProvider, identityText, rolesChanged } from './entry.ts'

/** `elsewhere`: the same person is having a first sign-in in another browser. */
export type ArrivalRefusal = 'no_role' | 'disabled' | 'elsewhere'

export type Arrival =
  | { readonly ok: true; readonly operatorId: OperatorId; readonly signInId: SignInId }
  | { readonly ok: false; readonly why: ArrivalRefusal }

/** `seconds`: how long the sign-in is to last. `provedAt`: when they showed who they are, where that is known. */
export async function arrive(
  deps: Deps,
  correlationId: string,
  met: {
    readonly person: Person
    readonly refreshToken: string | undefined
    readonly provedAt: number | undefined
    readonly seconds: number
  },
): Promise<Arrival> {
  const { person, refreshToken, provedAt, seconds } = met
  const { issuer, subject } = person
  const identity = { issuer, subject }
  const roles = deps.identity?.rolesOf(person.groups ?? []) ?? []
  const refused = (why: ArrivalRefusal, entry?: AdminEntry) => ({
    value: { ok: false, why } as const,
    entries: [entry],
  })
  return changeWithin<Arrival>(deps, async (tx) => {
    const now = deps.now()
    const known = await lockOperatorOfIdentity(tx, identity)
    const operator = known === undefined ? undefined : await readOperator(tx, known)
    if (known !== undefined && operator?.state !== 'active') return refused('disabled')
    let entry: AdminEntry | undefined
    let here: { readonly id: OperatorId; readonly name: string }
    if (operator === undefined) {
      if (roles.length === 0) return refused('no_role')
      const made = await createFromIdentity(tx, person, roles, now)
      if (made === undefined) return refused('elsewhere')
      here = made
      entry = joined(deps, correlationId, { ...made, identity }, person, roles)
    } else {
      here = operator
      const before = await setRolesOfGroups(tx, operator.id, roles)
      if (before !== undefined)
        entry = rolesChanged(deps, correlationId, { ...here, identity }, before, roles)
      if (roles.length === 0) {
        await endAllSignIns(tx, operator.id)
        return refused('no_role', entry)
      }
    }
    const signInId = await openSignIn(tx, deps.signInSealer, {
      operatorId: here.id,
      refreshToken,
      provedAt,
      endsAt: now + seconds * 1000,
      now,
    })
    const signedIn: SignInEntry = {
      kind: 'sign_in',
      result: 'done',
      at: now,
      correlationId,
      actor: { kind: 'operator', id: here.id, name: here.name },
      subject: identityText(identity),
    }
    return {
      value: { ok: true, operatorId: here.id, signInId },
      entries: [entry, signedIn],
    }
  })
}

function joined(
  deps: Deps,
  correlationId: string,
  operator: { readonly id: OperatorId; readonly name: string; readonly identity: Identity },
  person: Person,
  roles: readonly Role[],
): AdminEntry {
  return byProvider(deps, correlationId, operator, {
    action: 'operator.JOINED',
    reason: 'a first sign-in at the identity provider made an operator, whom no admin added',
    change: {
      operator: operator.name,
      person: identityText(operator.identity),
      called: clip(person.name ?? ''),
      roles: [...roles],
    },
  })
}

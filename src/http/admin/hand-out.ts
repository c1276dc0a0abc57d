/** Whether a grant can be handed out as a native credential, as an admin writes it. */
import type { Grant } from '../../directory/grant.ts'
import { grantAskedUnder } from '../../directory/access-request.ts'
import { readEnvironment } from '../../directory/environment.ts'
import type { GrantId } from '../../ids.ts'
import { mintFacts } from '../../lease/kinds.ts'
import { handOutObjection } from '../../lease/terms.ts'
import { readCredential } from '../../vault/store.ts'
import type { Deps } from '../deps.ts'

/** Why it cannot, for the admin; undefined where it can. `id` is undefined for one that is not there yet. */
export async function objectionToHandingOut(
  deps: Pick<Deps, 'db'>,
  grant: Pick<Grant, 'credentialId' | 'environmentId' | 'provider' | 'verbs' | 'approval'> & {
    readonly id: GrantId | undefined
    readonly constraints: readonly unknown[]
    readonly minted: Grant['minted']
  },
): Promise<string | undefined> {
  const { db } = deps
  const credential = await readCredential(db, grant.credentialId)
  const environment = await readEnvironment(db, grant.environmentId)
  if (environment === undefined) return 'there is no such environment'
  const { verbs, constraints, approval, minted, id } = grant
  return handOutObjection({
    ...mintFacts(credential?.mint),
    verbs,
    constraints,
    approval,
    minted,
    protected: environment.protected,
    forATime: id !== undefined && (await grantAskedUnder(db, id)) !== undefined,
    bound: environment.bindings.filter(({ provider }) => provider === grant.provider).length,
  })
}

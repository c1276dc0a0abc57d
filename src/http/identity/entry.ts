/** What the log says of what the identity provider does to operators. Their tokens are in none of it. */
import { clip, type AdminEntry } from '../../audit/entry.ts'
import type { Identity, Role } from '../../directory/operator-identity.ts'
import type { SignInRecord } from '../../directory/operator.ts'
import type { Deps } from '../deps.ts'

type Known = Pick<SignInRecord, 'id' | 'name'> & { readonly identity: Identity | undefined }

export function byProvider(
  deps: Pick<Deps, 'now'>,
  correlationId: string,
  operator: Known,
  entry: Pick<AdminEntry, 'action' | 'reason' | 'change'>,
): AdminEntry {
  return {
    kind: 'admin',
    result: 'done',
    at: deps.now(),
    correlationId,
    actor: {
      kind: 'system',
      id: 'identity_provider',
      name: clip(operator.identity?.issuer ?? 'none'),
    },
    subject: operator.id,
    ...entry,
  }
}

export function rolesChanged(
  deps: Pick<Deps, 'now'>,
  correlationId: string,
  operator: Known,
  before: readonly Role[],
  roles: readonly Role[],
): AdminEntry {
  return byProvider(deps, correlationId, operator, {
    action: 'operator.update_by_groups',
    ...(roles.length === 0
      ? { reason: 'no group of theirs gives a role any more: their sign-ins have ended' }
      : {}),
    change: {
      operator: operator.name,
      person: identityText(operator.identity),
      before: [...before],
      roles: [...roles],
    },
  })
}

/** Issuer and subject, as the log has them. */
export function identityText(identity: Identity | undefined): string {
  return identity === undefined ? 'none' : clip(`${identity.issuer} ${identity.subject}`)
}

/** What the HTTP side knows of the identity provider, and how its groups become roles. Built once, by `openBroker`. */
import type { Role } from '../../directory/operator-identity.ts'
import {
  createIdentityProvider,
  type IdentityProvider,
  type IdentityProviderSettings,
} from '../../federation/identity-provider.ts'
import { createProviderFetch } from '../../federation/provider-fetch.ts'
import { isPublicAddress, publicLookup } from '../../proxy/address.ts'

export type IdentityDoorSettings = IdentityProviderSettings & {
  /** By group, compared by equality: the roles that it gives. */
  readonly groups: ReadonlyMap<string, readonly Role[]>
  /** What people call the provider. */
  readonly label: string
}

export type IdentityDoor = {
  readonly provider: IdentityProvider
  readonly label: string
  /** In one order, each once; none where no group gives any. */
  rolesOf(groups: readonly string[]): readonly Role[]
}

/** The redirect URI is this, byte for byte. */
export const callbackPath = '/sign-in/callback'

const roles = ['admin', 'approver', 'auditor'] as const

export function openIdentityDoor(
  settings: IdentityDoorSettings | undefined,
  deps: { readonly publicUrl: string; readonly now: () => number },
): IdentityDoor | undefined {
  if (settings === undefined) return undefined
  const { groups, label, ...rest } = settings
  const { internal } = settings
  const provider = createIdentityProvider(rest, {
    redirectUri: `${deps.publicUrl}${callbackPath}`,
    fetch: createProviderFetch({ lookup: publicLookup, isPublicAddress, internal }),
    now: deps.now,
  })
  return {
    provider,
    label,
    rolesOf(given) {
      const found = new Set(given.flatMap((group) => groups.get(group) ?? []))
      return roles.filter((role) => found.has(role))
    },
  }
}

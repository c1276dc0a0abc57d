/**
 * Origins that an admin names. The egress refuses what is not public whenever it connects; this tells the admin now, and
 * keeps what configuration declared internal for the provider that it was declared for.
 */
import { isIP } from 'node:net'
import { isPublicAddress } from '../../proxy/address.ts'
import type { Deps } from '../deps.ts'

/** `origin` in its plain spelling; undefined where nothing is wrong with it. */
export function complaintAboutOrigin(
  deps: Pick<Deps, 'providers' | 'originsOf'>,
  provider: string,
  origin: string,
): string | undefined {
  const { hostname } = new URL(origin)
  const bare = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (
    (isIP(bare) !== 0 && !isPublicAddress(bare)) ||
    /^(?:.*\.)?localhost$/.test(bare) ||
    (isIP(bare) === 0 && !bare.includes('.'))
  )
    return 'it is not on the public internet'
  // What configuration declared internal was declared for that provider, and not for whoever names the same host.
  for (const other of deps.providers.values())
    if (
      other.name !== provider &&
      !other.origins.includes(origin) &&
      deps.originsOf(other).includes(origin)
    )
      return `configuration keeps it for ${other.name}`
  return undefined
}

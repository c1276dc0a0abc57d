/** Everything that leases are made of, put together: what hands them out, and what ends them. */
import { createHandOut, type HandOut, type HandOutDeps } from './hand-out.ts'
import { createLeaseKeeper, type LeaseKeeper, type LeaseKeeperDeps } from './keeper.ts'

export type Leases = LeaseKeeper & { readonly handOut: HandOut }

export function createLeases(deps: Omit<HandOutDeps, 'wake'> & LeaseKeeperDeps): Leases {
  const keeper = createLeaseKeeper(deps)
  return { ...keeper, handOut: createHandOut({ ...deps, wake: () => keeper.wake() }) }
}

/** What a key pair reaches: the account that STS says it belongs to. Which parts of that its policies leave is not asked. */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, Reach } from '../adapter.ts'
import { partitionOf, partitions, regions } from './hosts.ts'
import { callerAccount } from './locate.ts'
import { Unestablished } from '../unestablished.ts'
import { Asker } from './question.ts'

export async function awsReach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  try {
    const account = await callerAccount(new Asker(ask), regionToAsk(bound))
    if (!bound.has(place('account', account))) {
      return {
        kind: 'wider',
        detail: `it belongs to the account ${account}, of which the environment has parts`,
      }
    }
    const regional = [...bound].some((name) => name.startsWith('region:'))
    return regional
      ? {
          kind: 'unknown',
          detail: `it belongs to the account ${account}; its policies were not read`,
        }
      : { kind: 'within' }
  } catch (error) {
    if (error instanceof Unestablished && error.why === 'not_found')
      return { kind: 'rejected', detail: 'AWS does not accept this key pair' }
    return { kind: 'unknown', detail: 'AWS does not say whose key pair this is' }
  }
}

/** The credential is one of the partition that its environment names, and of `aws` where it names none. */
function regionToAsk(bound: ReadonlySet<Place>): string {
  const named = [...bound].flatMap((name) =>
    name.startsWith('region:') ? [name.slice('region:'.length)] : [],
  )
  const own = named.find((region) => regions.has(region))
  const partition = partitionOf(named[0] ?? '') ?? 'aws'
  return own ?? partitions[partition].home.region
}

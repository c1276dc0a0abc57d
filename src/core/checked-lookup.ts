/**
 * A `lookup` for connections, which checks the addresses that are then connected to, and not an earlier answer. Against a
 * name that resolves, now or later, to where nobody is to be sent (DNS rebinding): one bad address among good ones is how
 * that begins, so that all of them must be good.
 */
import type { LookupAddress } from 'node:dns'
import { isIPv6, type LookupFunction } from 'node:net'

/** `resolve` asks the network; `refused` is what a connection fails with where an address is not good, or there is none. */
export function checkedLookup(
  resolve: LookupFunction,
  good: (address: string) => boolean,
  refused: () => Error,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found: string | LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0)
      const addresses =
        typeof found === 'string' ? [{ address: found, family: isIPv6(found) ? 6 : 4 }] : found
      const [first] = addresses
      if (first === undefined || !addresses.every(({ address }) => good(address)))
        return callback(refused(), '', 0)
      if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

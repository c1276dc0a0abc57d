/**
 * Which addresses the broker may connect to. Against a provider's name that resolves, now or later, to the machine
 * itself, to its network or to a cloud's metadata service (hazards: SSRF, DNS answers that change): the check is made
 * on the addresses that the connection is then made to, not on an earlier answer.
 */
import { lookup as dnsLookup } from 'node:dns'
import { BlockList, isIPv6, type LookupFunction } from 'node:net'
import { checkedLookup } from '../core/checked-lookup.ts'

/** RFC 6890 and its successors: what is not an ordinary, global unicast address. */
const special = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  // Azure's host, which answers its guests alone.
  ['168.63.129.16', 32],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special.addSubnet(net, prefix, 'ipv4')
}

/** RFC 4291: global unicast is 2000::/3; all else is special, and so are these parts of it. */
const globalUnicast = new BlockList()
globalUnicast.addSubnet('2000::', 3, 'ipv6')
const specialIpv6 = new BlockList()
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 carries any IPv4 address inside it.
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  specialIpv6.addSubnet(net, prefix, 'ipv6')
}

/** True for an address on the public internet. IPv4-mapped and NAT64 addresses are not: they hide an IPv4 one. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) {
    const bare = address.split('%')[0] ?? address
    return globalUnicast.check(bare, 'ipv6') && !specialIpv6.check(bare, 'ipv6')
  }
  return !special.check(address, 'ipv4')
}

export class AddressRefused extends Error {
  override name = 'AddressRefused'
  readonly code = 'ADDRESS_REFUSED'
}

/** A `lookup` for connections to public addresses: it fails where any address of the name is another. */
export const publicLookup: LookupFunction = checkedLookup(
  dnsLookup,
  isPublicAddress,
  () => new AddressRefused('the name resolves to an address that is not public'),
)

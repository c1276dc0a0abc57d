/**
 * Where no issuer is, whatever was declared internal: the addresses at which clouds keep their instances' credentials, those
 * of one link alone, and those that are no single machine's. Against an internal name that leads there, now or later: it is
 * looked at on the very addresses that are connected to, in every form in which IPv6 carries an IPv4 address.
 */
import { lookup as dnsLookup } from 'node:dns'
import { BlockList, isIPv6, type LookupFunction } from 'node:net'
import { checkedLookup } from '../core/checked-lookup.ts'

const never = new BlockList()
for (const [net, prefix] of [
  // RFC 1122 §3.2.1.3: this host; connected to, it is loopback by another name.
  ['0.0.0.0', 8],
  // RFC 3927: link-local, and the metadata services of nearly every cloud.
  ['169.254.0.0', 16],
  // The metadata services of Alibaba Cloud, of Oracle Cloud, and Azure's host.
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['168.63.129.16', 32],
  // RFC 1112: multicast, reserved, broadcast.
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  never.addSubnet(net, prefix, 'ipv4')
  const [a = 0, b = 0, c = 0, d = 0] = net.split('.').map(Number)
  const [high, low] = [a * 256 + b, c * 256 + d].map((word) => word.toString(16))
  // RFC 4291 §2.5.5.1, RFC 6052 §2.1, RFC 3056: compatible, NAT64, 6to4. A mapped one is looked at as what it is mapped from.
  never.addSubnet(`::${String(high)}:${String(low)}`, 96 + prefix, 'ipv6')
  never.addSubnet(`64:ff9b::${String(high)}:${String(low)}`, 96 + prefix, 'ipv6')
  never.addSubnet(`2002:${String(high)}:${String(low)}::`, 16 + prefix, 'ipv6')
}
for (const [net, prefix] of [
  // RFC 4291 §2.5.6, and multicast.
  ['fe80::', 10],
  ['ff00::', 8],
  // RFC 8215: a local NAT64's, in which the IPv4 address may stand anywhere.
  ['64:ff9b:1::', 48],
  // The metadata services of AWS, Google Cloud, Oracle Cloud and Scaleway.
  ['fd00:ec2::', 32],
  ['fd20:ce::254', 128],
  ['fd00:c1::a9fe:a9fe', 128],
  ['fd00:42::42', 128],
] as const) {
  never.addSubnet(net, prefix, 'ipv6')
}
// Loopback is the one compatible address that is a machine's.
const loopback = new BlockList()
loopback.addAddress('::1', 'ipv6')

/** Whether no issuer may be at this address. It is without brackets, and may have a zone. */
export function isNeverIssuer(address: string): boolean {
  if (!isIPv6(address)) return never.check(address, 'ipv4')
  const bare = address.split('%')[0] ?? address
  return never.check(bare, 'ipv6') && !loopback.check(bare, 'ipv6')
}

export class InnerAddressRefused extends Error {
  override name = 'InnerAddressRefused'
  readonly code = 'ADDRESS_REFUSED'
}

/** A `lookup` for connections to what was declared internal: it fails where any address of the name is one of those. */
export function internalLookup(resolve: LookupFunction = dnsLookup): LookupFunction {
  return checkedLookup(
    resolve,
    (address) => !isNeverIssuer(address),
    () => new InnerAddressRefused('the name leads to where no issuer is'),
  )
}

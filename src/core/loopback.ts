import { isIPv4 } from 'node:net'

/**
 * Whether a host is this machine itself: `localhost` (RFC 6761 §6.3), 127.0.0.0/8 (RFC 1122 §3.2.1.3) or ::1 (RFC 4291
 * §2.5.3), with brackets or without. By what it says: no name is looked up.
 */
export function isLoopback(host: string): boolean {
  return ['localhost', '::1', '[::1]'].includes(host) || (isIPv4(host) && host.startsWith('127.'))
}

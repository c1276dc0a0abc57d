/**
 * Issuers that an admin has configured, and where their keys may be fetched from. An issuer is its exact string: nothing is
 * lower-cased, trimmed or decoded to make two of them equal, and one whose URL has a second spelling is no issuer. Against
 * tokens that spell a trusted issuer differently, and against a URL that one parser reads as another host.
 */
import { isIP } from 'node:net'
import { isLoopback } from '../core/loopback.ts'
import { isNeverIssuer } from './inner-address.ts'

export type TrustedIssuer = {
  /** Compared byte for byte with the token's `iss` and the metadata's `issuer`. */
  readonly issuer: string
  /** Where its keys are; without it they are found through the issuer's metadata. */
  readonly jwksUri?: string
  /** It may lie in a private network, or be spoken to in plain HTTP on loopback. */
  readonly internal: boolean
}

export type IsPublicAddress = (address: string) => boolean

/** OpenID Connect Discovery §2, RFC 8414 §2: no query, no fragment. Undefined where nothing is wrong with it. */
export function complaintAboutIssuer(
  trusted: TrustedIssuer,
  isPublicAddress: IsPublicAddress,
): string | undefined {
  const { issuer, jwksUri, internal } = trusted
  const wrong = complaintAboutUrl(issuer, internal, isPublicAddress)
  if (wrong !== undefined) return `the issuer: ${wrong}`
  if (issuer.includes('?')) return 'the issuer: it must have no query'
  const wrongKeys =
    jwksUri === undefined ? undefined : complaintAboutUrl(jwksUri, internal, isPublicAddress)
  return wrongKeys === undefined ? undefined : `its keys: ${wrongKeys}`
}

/**
 * What is wrong with a URL that keys would be fetched from. A name is looked at again, with the addresses it resolves to, when
 * it is connected to.
 */
export function complaintAboutUrl(
  text: string,
  internal: boolean,
  isPublicAddress: IsPublicAddress,
): string | undefined {
  if (text.length > 1_024) return 'it is too long'
  if (!URL.canParse(text)) return 'it is not a URL'
  const url = new URL(text)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && internal && isLoopback(host)))
    return 'it must be https'
  if (url.username !== '' || url.password !== '') return 'it must name nobody before the host'
  if (text.includes('#')) return 'it must have no fragment'
  // Upper case, a default port, dot segments, backslashes, tabs, other alphabets, 0x7f.1: the parser would repair them.
  if (url.href !== text && url.href !== `${text}/`) return 'it is not in its plain spelling'
  if (isIP(host) !== 0) {
    if (isNeverIssuer(host)) return 'it is an address at which no issuer is'
    return internal || isPublicAddress(host) ? undefined : 'it is not on the public internet'
  }
  if (host.endsWith('.')) return 'its host must not end in a dot'
  if (!internal && (!host.includes('.') || /(^|\.)localhost$/.test(host)))
    return 'it is not on the public internet'
  return undefined
}

/**
 * Who may use a proxy that holds a capability. Against a page that the browser of this machine shows (it may reach any
 * port of loopback, under any name that it has resolve to it), and against another user of the machine: a name of ours in
 * `Host`, nothing that a browser adds, and a secret that only who started the proxy has handed out. The secret stands where
 * the client puts its token, in whichever field that is, so that no client need know of it.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ProblemCode } from '../problem.ts'

export type LocalRequest = {
  /** Names and values in turn, as Node gives them. */
  readonly rawHeaders: readonly string[]
  readonly target: string
}

export type Admitted =
  | {
      readonly ok: true
      /** What goes on to the broker, in turn: without the secret, and without what belongs to the connection. */
      readonly headers: readonly string[]
      /** The field in which the secret came, in lower case, and what stood before it in the value. */
      readonly carrier: { readonly name: string; readonly prefix: string }
    }
  | { readonly ok: false; readonly code: ProblemCode; readonly detail: string }

/** A secret for one run: 256 bits, as text that every client takes for a token. */
export function newLocalSecret(): string {
  return `vkl_${randomBytes(32).toString('base64url')}`
}

/** RFC 9110 §7.6.1, and what this proxy says itself. */
const dropped = new Set([
  'connection',
  'dpop',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
])

const refuse = (code: ProblemCode, detail: string): Admitted => ({ ok: false, code, detail })

/** `hosts`: what `Host` may say; undefined for a Unix socket, which no page can reach. */
export function createLocalDoor(
  secret: string,
  hosts: ReadonlySet<string> | undefined,
): (request: LocalRequest) => Admitted {
  const digest = digestOf(secret)
  const isSecret = (text: string): boolean => timingSafeEqual(digestOf(text), digest)

  return ({ rawHeaders, target }) => {
    const headers: string[] = []
    let carrier: { name: string; prefix: string } | undefined
    let host: string | undefined
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const original = rawHeaders[i] ?? ''
      const name = original.toLowerCase()
      const value = rawHeaders[i + 1] ?? ''
      if (name === 'host') {
        if (host !== undefined) return refuse('invalid_request', 'there must be one Host header')
        host = value
      }
      // Of the latter, programs send `sec-fetch-mode` too (Node's fetch).
      if (name === 'origin' || name === 'sec-fetch-site' || name === 'sec-fetch-dest')
        return refuse('invalid_request', 'this is for programs, and answers no browser')
      if (name === 'upgrade') return refuse('not_understood', 'upgrades are not supported')
      if (dropped.has(name)) continue
      const [, prefix = '', last = ''] = /^((?:[A-Za-z]+ +)?)(\S+)$/.exec(value) ?? []
      const basic = name === 'authorization' && /^basic +$/i.test(prefix)
      if (basic ? userAndPassword(last).some(isSecret) : last !== '' && isSecret(last)) {
        if (carrier !== undefined)
          return refuse('capability_invalid', 'send the local secret in one field only')
        carrier = { name, prefix }
      } else headers.push(original, value)
    }
    if (hosts !== undefined && (host === undefined || !hosts.has(host)))
      return refuse('invalid_request', 'this proxy answers to its own address only')
    if (carrier === undefined) {
      return refuse(
        'capability_missing',
        'send the secret of this local proxy where the provider’s clients send their token',
      )
    }
    // The target goes on as it came: nothing of it is decoded here.
    if (!whatCapabilitiesOpen.test(target))
      return refuse('not_found', 'there is /proxy/<provider>/… here, as at the broker')
    return { ok: true, headers, carrier }
  }
}

/** Only what a capability is for: requests, and the agents' own approvals, access requests and leases. */
const whatCapabilitiesOpen =
  /^\/(proxy\/|agent\/approvals\/|v1\/access-requests(?![^/?])|v1\/leases(\/own(?![^/?])|(?=\?|$)))[!-~]*$/

/** RFC 7617: clients that know no other way put a token in the place of the one or the other. */
function userAndPassword(encoded: string): readonly string[] {
  const [, user = '', password = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return [user, password].filter((part) => part !== '')
}

/** Of one length, whatever was sent. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

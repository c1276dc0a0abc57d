/**
 * Branded identifiers. An id is `<prefix>_<26 chars>`: the prefix says what it names, so that an id of one kind
 * pasted where another is expected is refused by its shape, and the rest is a time and a random number in Crockford's base32, so that
 * ids sort by creation, and 80 random bits, which nobody guesses.
 */
import { randomFillSync } from 'node:crypto'

const prefixes = {
  operator: 'op',
  agent: 'ag',
  agentKey: 'ak',
  environment: 'env',
  credential: 'cred',
  grant: 'gr',
  capability: 'cap',
  correlation: 'req',
  freeze: 'fz',
  replica: 'rep',
  signingKey: 'sk',
  approval: 'apr',
  accessRequest: 'acc',
  passkey: 'pk',
  breakGlass: 'bg',
  agentPublicKey: 'apk',
  trustIssuer: 'iss',
  trustRule: 'tr',
  signIn: 'si',
  lease: 'ls',
} as const

export type IdKind = keyof typeof prefixes
export type Id<K extends IdKind> = string & { readonly __kind: K }

export type OperatorId = Id<'operator'>
export type AgentId = Id<'agent'>
export type AgentKeyId = Id<'agentKey'>
export type EnvironmentId = Id<'environment'>
export type CredentialId = Id<'credential'>
export type GrantId = Id<'grant'>
export type CapabilityId = Id<'capability'>
export type CorrelationId = Id<'correlation'>
export type FreezeId = Id<'freeze'>
export type ReplicaId = Id<'replica'>
export type SigningKeyId = Id<'signingKey'>
export type ApprovalId = Id<'approval'>
export type AccessRequestId = Id<'accessRequest'>
export type PasskeyId = Id<'passkey'>
export type BreakGlassId = Id<'breakGlass'>
export type AgentPublicKeyId = Id<'agentPublicKey'>
export type TrustIssuerId = Id<'trustIssuer'>
export type TrustRuleId = Id<'trustRule'>
export type SignInId = Id<'signIn'>
export type LeaseId = Id<'lease'>

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const pool = Buffer.alloc(16 * 256)
let poolOffset = pool.length

const pairs = Array.from(
  { length: 1024 },
  (_, i) => `${alphabet[i >> 5] ?? ''}${alphabet[i & 31] ?? ''}`,
)
let lastTime = -1
let lastPrefix = ''

/** Ten letters, 50 bits: milliseconds since the epoch. Most ids are made in the same millisecond as the one before. */
function timePrefix(now: number): string {
  if (now !== lastTime) {
    lastTime = now
    lastPrefix = ''
    for (let rest = now, i = 0; i < 5; i++) {
      lastPrefix = `${pairs[rest % 1024] ?? ''}${lastPrefix}`
      rest = Math.floor(rest / 1024)
    }
  }
  return lastPrefix
}

/** Makes a new id. `now` is in milliseconds since the epoch. */
export function newId<K extends IdKind>(kind: K, now: number = Date.now()): Id<K> {
  if (poolOffset >= pool.length) {
    randomFillSync(pool)
    poolOffset = 0
  }
  let text = `${prefixes[kind]}_${timePrefix(now)}`
  for (let i = 0; i < 8; i++) {
    text += pairs[((pool[poolOffset++] ?? 0) << 2) | ((pool[poolOffset] ?? 0) & 3)] ?? ''
    poolOffset++
  }
  return text as Id<K>
}

/** The JSON Schema pattern of an id, for the schemas of routes. */
export function idPattern(kind: IdKind): string {
  return `^${prefixes[kind]}_[0-9a-hjkmnp-tv-z]{26}$`
}

const compiled = new Map<IdKind, RegExp>()

/** Whether `text` has the shape of an id of this kind. It may still name nothing. */
export function isId<K extends IdKind>(kind: K, text: unknown): text is Id<K> {
  if (typeof text !== 'string') return false
  let pattern = compiled.get(kind)
  if (pattern === undefined) compiled.set(kind, (pattern = new RegExp(idPattern(kind))))
  return pattern.test(text)
}

/** When an id was made, in milliseconds since the epoch. For text that passed `isId`. */
export function timeOfId(id: string): number {
  const start = id.indexOf('_') + 1
  let time = 0
  for (const letter of id.slice(start, start + 10)) time = time * 32 + alphabet.indexOf(letter)
  return time
}

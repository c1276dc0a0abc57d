/**
 * What of a minting secret must come back in no answer. Not the secret as a whole: the words around a key are those of
 * every key file, and an answer that holds somebody's public key is not to be torn up for them.
 */
import { asMembers } from './answer.ts'
import { parseJson } from '../core/json.ts'

/** A shorter one would be found everywhere. */
const shortest = 8
/**
 * With what every key of its kind begins, in characters of base64: an algorithm, lengths. Of the shortest key there is,
 * an Ed25519 one, all that follows is secret.
 */
const commonPrefix = 22

const pem = /-----BEGIN [A-Z0-9 ]+-----([A-Za-z0-9+/=\s]+)-----END [A-Z0-9 ]+-----/g

export function secretParts(secret: string): readonly string[] {
  const parsed = parseJson(Buffer.from(secret))
  const members = parsed.ok ? asMembers(parsed.value) : undefined
  const found = members === undefined ? keysIn(secret) : membersIn(members)
  const parts = found.filter((part) => part.length >= shortest)
  // What has no form that is known is one secret.
  return parts.length > 0 ? parts : [secret]
}

function membersIn(members: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(members).flatMap(([name, value]) => {
    const inner = asMembers(value)
    if (inner !== undefined) return membersIn(inner)
    if (typeof value !== 'string' || !isSecretName(name)) return []
    const keys = keysIn(value)
    return keys.length > 0 ? keys : [value]
  })
}

function isSecretName(name: string): boolean {
  return /key|token|secret|password/i.test(name) && !/(?:id|ur[il]|type)$/i.test(name)
}

/** The base64 of each key in a text, on one line. */
function keysIn(text: string): string[] {
  return [...text.matchAll(pem)].map(([, body = '']) =>
    body.replace(/\s+/g, '').slice(commonPrefix),
  )
}

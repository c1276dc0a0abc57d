import { isId, type CapabilityId } from '../ids.ts'

/**
 * The id (jti) that a capability says it has. Nothing is verified: it is only good for naming the capability to the
 * broker, who may revoke whatever is named.
 */
export function jtiOf(capability: string): CapabilityId | undefined {
  const [, payload, signature, more] = capability.trim().split('.')
  if (payload === undefined || signature === undefined || more !== undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const jti: unknown =
      typeof claims === 'object' && claims !== null && 'jti' in claims ? claims.jti : undefined
    return isId('capability', jti) ? jti : undefined
  } catch {
    return undefined
  }
}

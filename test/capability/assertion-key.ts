/** A test's key, as the broker has it once an admin has registered it. */
import { toAssertionKey, type AssertionKey } from '../../src/capability/client-assertion.ts'
import { readPublicKey } from '../../src/core/public-jwk.ts'
import { newId } from '../../src/ids.ts'
import type { TestKey } from '../support/client-assertion.ts'

export async function registered(key: TestKey): Promise<AssertionKey> {
  const read = readPublicKey(key.publicJwk)
  if (!read.ok) throw new Error(read.detail)
  return toAssertionKey({ id: newId('agentPublicKey'), ...read.key })
}

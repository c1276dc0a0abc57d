/**
 * A secret that a provider gave in an answer, kept as a credential of its own: of the environment whose grant asked for
 * it, behind the same origin, and of no reach that anybody has looked at. An admin makes grants with it, or does not.
 */
import type { Db } from '../db/open.ts'
import type { CredentialId, EnvironmentId } from '../ids.ts'
import { SecretText } from './secret-text.ts'
import { createCredential, sealCredential } from './store.ts'
import type { Vault } from './vault.ts'

/** Durable once it returns. `credential`: what the request went out with. */
export async function storeAnswered(
  db: Db,
  vault: Vault,
  credential: {
    readonly provider: string
    readonly environmentId: string
    readonly origin: string
    readonly style: string
  },
  name: string,
  value: string,
): Promise<CredentialId> {
  const { provider, origin, style } = credential
  const environmentId = credential.environmentId as EnvironmentId
  const secret = SecretText.of(value)
  try {
    const sealed = await sealCredential(vault, secret, { provider, environmentId, version: 1 })
    const reach = { kind: 'unknown', detail: 'minted by the provider in an answer' }
    const row = { name, provider, environmentId, origin, style, use: 'requests', reach } as const
    await db.transaction().execute((tx) => createCredential(tx, row, sealed))
    return sealed.id
  } finally {
    secret.dispose()
  }
}

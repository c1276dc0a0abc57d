/** The identity provider's settings, with the client's secret or key out of its file: it is in no variable, and in no log. */
import { readFile } from 'node:fs/promises'
import type { OidcConfig } from '../config/oidc.ts'
import { readClientKey } from '../federation/client-key.ts'
import type { ClientProof } from '../federation/identity-provider.ts'
import type { IdentityDoorSettings } from '../http/identity/door.ts'
import { StartError } from '../storage.ts'

export async function identitySettings(
  oidc: OidcConfig | undefined,
): Promise<IdentityDoorSettings | undefined> {
  if (oidc === undefined) return undefined
  const { clientSecretFile, clientKeyFile, ...rest } = oidc
  return { ...rest, client: await proofFrom(clientSecretFile, clientKeyFile) }
}

async function proofFrom(
  secretFile: string | undefined,
  keyFile: string | undefined,
): Promise<ClientProof> {
  if (keyFile !== undefined) {
    const name = `VALETKEY_OIDC_CLIENT_KEY_FILE=${keyFile}`
    const read = readClientKey(await textOf(name, keyFile))
    if (!read.ok) throw new StartError(`${name} cannot be used: ${read.why}`)
    return { kind: 'key', key: read.key }
  }
  if (secretFile === undefined) return { kind: 'public' }
  const name = `VALETKEY_OIDC_CLIENT_SECRET_FILE=${secretFile}`
  const secret = (await textOf(name, secretFile)).replace(/\r?\n$/, '')
  if (!/^[ -~]{1,1000}$/.test(secret))
    throw new StartError(`${name} holds no client secret: it must be one line`)
  return { kind: 'secret', secret }
}

async function textOf(name: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : 'unknown error'
    throw new StartError(`${name} cannot be read (${String(code)})`)
  }
}

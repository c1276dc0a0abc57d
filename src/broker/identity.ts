/** The identity provider's settings, with the client's secret out of its file: it is in no variable, and in no log. */
import { readFile } from 'node:fs/promises'
import type { OidcConfig } from '../config/oidc.ts'
import type { IdentityDoorSettings } from '../http/identity/door.ts'
import { StartError } from '../storage.ts'

export async function identitySettings(
  oidc: OidcConfig | undefined,
): Promise<IdentityDoorSettings | undefined> {
  if (oidc === undefined) return undefined
  const { clientSecretFile, ...rest } = oidc
  if (clientSecretFile === undefined) return { ...rest, clientSecret: undefined }
  let text: string
  try {
    text = await readFile(clientSecretFile, 'utf8')
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : 'unknown error'
    throw new StartError(
      `VALETKEY_OIDC_CLIENT_SECRET_FILE=${clientSecretFile} cannot be read (${String(code)})`,
    )
  }
  const clientSecret = text.replace(/\r?\n$/, '')
  if (!/^[ -~]{1,1000}$/.test(clientSecret))
    throw new StartError(
      `VALETKEY_OIDC_CLIENT_SECRET_FILE=${clientSecretFile} holds no client secret: it must be one line`,
    )
  return { ...rest, clientSecret }
}

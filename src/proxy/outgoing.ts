/** The headers of a request that leaves: those that were decided on, the provider's own constants, and the credential. */
import type { ProviderAdapter, RebuiltRequest } from '../provider/adapter.ts'
import type { SecretText } from '../vault/secret-text.ts'
import { ACCEPT_ENCODING } from './decode.ts'

export function outgoingHeaders(
  adapter: ProviderAdapter,
  request: RebuiltRequest,
  credential: { readonly style: string },
  secret: SecretText,
): Record<string, string> {
  const style = adapter.injections.find((known) => known.name === credential.style)
  if (style === undefined)
    throw new Error(`the provider ${adapter.name} has no injection of this credential’s style`)
  return {
    ...request.headers,
    ...adapter.headers,
    'accept-encoding': ACCEPT_ENCODING,
    [style.header]: `${style.prefix}${secret.reveal()}`,
  }
}

/**
 * The request that leaves: what was decided on, the provider's own constants, and the credential, which travels in a
 * field or signs the request. It goes to the origin that the credential is pinned to; where a provider has a host for
 * each of its services, to the one of its own list that the request was read as.
 */
import type { ProviderAdapter, RebuiltRequest } from '../provider/adapter.ts'
import { readAwsKeys, signAws } from '../provider/aws/sign.ts'
import type { SecretText } from '../vault/secret-text.ts'
import { ACCEPT_ENCODING } from './decode.ts'
import type { EgressRequest } from './egress.ts'

export type Outgoing =
  | { readonly ok: true; readonly origin: string; readonly request: EgressRequest }
  | { readonly ok: false; readonly why: Unsendable }

/**
 * - `malformed`         the credential is not of the form that its style needs
 * - `pinned_elsewhere`  it is for another part of the provider than the request is
 */
export type Unsendable = 'malformed' | 'pinned_elsewhere'

/** What the log says, and the operator who has to look. */
export const unsendable: Readonly<Record<Unsendable, string>> = {
  malformed: 'the credential is not of the form that its style needs',
  pinned_elsewhere: 'the credential is pinned to another part of the provider than this is for',
}

/** `now` is in milliseconds since the epoch. */
export function outgoing(
  adapter: ProviderAdapter,
  request: RebuiltRequest,
  credential: { readonly style: string; readonly origin: string },
  secret: SecretText,
  now: number,
): Outgoing {
  const style = adapter.injections.find((known) => known.name === credential.style)
  if (style === undefined)
    throw new Error(`the provider ${adapter.name} has no injection of this credential’s style`)
  const { method, target, body, signing } = request
  const common = { ...adapter.headers, 'accept-encoding': ACCEPT_ENCODING }
  if (style.signs !== 'aws4') {
    const injected = { [style.header]: `${style.prefix}${secret.reveal()}` }
    const headers = { ...request.headers, ...common, ...injected }
    return { ok: true, origin: credential.origin, request: { method, target, headers, body } }
  }
  const keys = readAwsKeys(secret.reveal())
  if (keys === undefined) return { ok: false, why: 'malformed' }
  if (signing === undefined) throw new Error('a request that is to be signed has no scope')
  // A declared upstream stands for all hosts of the provider, and is what the signature is for then.
  const own = adapter.origins.includes(credential.origin)
  // Not even a signature of it goes to another part of the provider.
  if (own && signing.pin !== credential.origin) return { ok: false, why: 'pinned_elsewhere' }
  const origin = own ? signing.origin : credential.origin
  const signed = signAws({ ...request, signing }, new URL(origin).host, keys, now)
  return {
    ok: true,
    origin,
    request: { method, target, headers: { ...signed, ...common }, body },
  }
}

/**
 * The texts that must not come back in an answer: the credential, or each part of a key pair. Not the JSON around the
 * parts: its own words are those of AWS's answers.
 */
export function secretTexts(secret: SecretText): readonly string[] {
  const keys = readAwsKeys(secret.reveal())
  return keys === undefined ? [secret.reveal()] : Object.values(keys)
}

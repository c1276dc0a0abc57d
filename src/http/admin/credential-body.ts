/** What an admin says of a credential, and what is wrong with it before anybody is asked anything. */
import Type, { type TObject } from 'typebox'
import { mintParameters, type CredentialMint } from '../../core/mint.ts'
import { mintKind, mintKinds, type AnyMintKind } from '../../minting/kinds.ts'
import { Problem } from '../../problem.ts'
import type { ProviderAdapter } from '../../provider/adapter.ts'
import type { Deps } from '../deps.ts'
import { closed } from '../schemas.ts'
import { complaintAboutOrigin } from './origin.ts'

export const Use = Type.Union([Type.Literal('requests'), Type.Literal('lookups')], {
  description:
    'requests: what agents ask goes out with it. lookups: only the broker’s own questions about where an id lives, for this provider in this environment, so that the one that acts can be the narrowest there is.',
})

export const Secret = Type.String({
  minLength: 8,
  maxLength: 16_384,
  pattern: '^[\\x20-\\x7e\\t\\r\\n]+$',
  writeOnly: true,
  description:
    'Visible ASCII without blanks, at most 8192 characters, where it goes out itself. What a kind of minting takes can have several lines.',
})

/** Each kind’s own schema, with the kind beside it. */
export const Mint = Type.Unsafe<CredentialMint>({
  type: 'object',
  description:
    'Where the secret does not go out itself, but mints what goes out: the kind, and its parameters. See docs/credentials.md.',
  discriminator: { propertyName: 'kind' },
  oneOf: mintKinds().map((kind) => ({
    title: kind.name,
    ...closed({
      kind: Type.Literal(kind.name),
      ...(kind.parameters as TObject).properties,
    }),
  })),
})

/** The kind of what is given, where all is well with it. */
export function mintFor(adapter: ProviderAdapter, mint: CredentialMint): AnyMintKind {
  const kind = mintKind(mint.kind)
  if (kind === undefined) throw refuse('/mint/kind', 'is not a kind that is known')
  if (kind.providers !== undefined && !kind.providers.includes(adapter.name))
    throw refuse('/mint/kind', `is for ${kind.providers.join(', ')}, and not for ${adapter.name}`)
  if (!textsOf(mint).every((text) => /^[^\p{C}]*$/u.test(text)))
    throw refuse('/mint', 'has a text with control characters')
  return kind
}

/** What is wrong with all of it together, once it is known where it goes and how. */
export function checkMint(
  deps: Pick<Deps, 'providers' | 'originsOf' | 'tokenServices'>,
  adapter: ProviderAdapter,
  given: {
    readonly mint: CredentialMint
    readonly secret: string
    readonly origin: string
    readonly style: string
    readonly use: 'requests' | 'lookups'
  },
): void {
  const { mint, secret, origin, style, use } = given
  const kind = mintFor(adapter, mint)
  const parameters = mintParameters(mint) as never
  // It sees no more than its environment; where an id lives, is asked by what sees all that the other may touch.
  if (use === 'lookups')
    throw refuse('/use', 'what is minted is as narrow as its environment: look-ups take more')
  const injection = adapter.injections.find((known) => known.name === style)
  if (injection?.signs !== kind.signs)
    throw refuse(
      '/style',
      kind.signs === undefined
        ? `what ${kind.name} mints travels in a field, and does not sign`
        : `what ${kind.name} mints signs, and does not travel in a field`,
    )
  if (kind.style !== undefined && style !== kind.style)
    throw refuse('/style', `what ${kind.name} mints goes out as ${kind.style}`)
  checkSecret(secret, kind)
  const complaint = kind.complaint(parameters, secret)
  if (complaint !== undefined) throw refuse('/mint', complaint)
  for (const service of kind.origins(parameters, origin)) {
    if (service === origin || Object.hasOwn(deps.tokenServices, service)) continue
    const wrong = complaintAboutOrigin(deps, adapter.name, service)
    if (wrong !== undefined) throw refuse('/mint', `${service} cannot be asked: ${wrong}`)
  }
}

/** A header’s value, so that it cannot bring a second header along; unless it goes out in none. */
export function checkSecret(secret: string, kind: AnyMintKind | undefined): void {
  if (kind?.multiline === true) return
  if (secret.length > 8_192) throw refuse('/secret', 'is longer than 8192 characters')
  if (!/^[\x21-\x7e]+$/.test(secret))
    throw refuse('/secret', 'has blanks or line ends, and goes out in a header')
}

/** Where everybody runs their own, the admin says where this one is. */
export function originFor(
  deps: Pick<Deps, 'providers' | 'originsOf'>,
  adapter: ProviderAdapter,
  asked: string | undefined,
): string {
  const known = deps.originsOf(adapter)
  if (known.length > 0) return choose('origin', asked, known)
  const plain = asked !== undefined && URL.canParse(asked) && new URL(asked).origin === asked
  const detail =
    plain && asked.startsWith('https:')
      ? complaintAboutOrigin(deps, adapter.name, asked)
      : 'an https origin in its plain spelling, such as https://cluster.example.com:6443'
  if (plain && detail === undefined) return asked
  throw new Problem('invalid_request', {
    detail: `${adapter.name} has no origin of its own, and this cannot be one: ${String(detail)}`,
    errors: [{ pointer: '/origin', detail: String(detail) }],
  })
}

export function choose(
  member: string,
  asked: string | undefined,
  known: readonly string[],
): string {
  const [first] = known
  if (asked === undefined && first !== undefined) return first
  if (asked !== undefined && known.includes(asked)) return asked
  throw new Problem('invalid_request', {
    detail: `${member} must be one of ${known.join(', ')}`,
    errors: [{ pointer: `/${member}`, detail: `one of ${known.join(', ')}` }],
  })
}

function refuse(pointer: string, detail: string): Problem {
  return new Problem('invalid_request', {
    detail: `${pointer.slice(1)}: ${detail}`,
    errors: [{ pointer, detail }],
  })
}

/** Every text of it, names of members included. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, member]) => [name, ...textsOf(member)])
}

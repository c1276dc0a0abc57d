/**
 * Access tokens by a refresh token (RFC 6749 §6), for providers whose credentials are consents. What is minted is as wide
 * as the consent behind it, or as the scopes that an admin stated; nothing binds it to an environment, which is then for
 * the broker's own decisions alone to hold. The refresh token and the client's secret go to the token endpoint, and an
 * access token that is given back to the revocation endpoint, and nowhere else.
 */
import Type, { type Static } from 'typebox'
import { asMembers, isToken, membersOf, type Answer, type Members } from './answer.ts'
import type { MintInput, MintKind, Minted, MintRefusal } from './kind.ts'

const Endpoint = (description: string) =>
  Type.String({ maxLength: 500, pattern: '^https://[\\x21-\\x7e]+$', description })
/** RFC 6749 §3.3. */
const Scopes = (description: string) =>
  Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,200}$' }), {
    minItems: 1,
    maxItems: 50,
    uniqueItems: true,
    description,
  })
/** RFC 6749 appendix A.1: visible, and of one line. */
const Visible = (description: string) =>
  Type.String({ pattern: '^[\\x20-\\x7e]{1,500}$', description })

const Parameters = Type.Object(
  {
    token_endpoint: Endpoint('Where the refresh token is sent to.'),
    client_id: Visible('By which the authorization server knows the client that was consented to.'),
    client_auth: Type.Union(
      [
        Type.Literal('none'),
        Type.Literal('client_secret_basic'),
        Type.Literal('client_secret_post'),
      ],
      { description: 'How the client shows who it is (RFC 6749 §2.3.1).' },
    ),
    scopes: Type.Optional(Scopes('What is asked for; by default all that was consented to.')),
    read_scopes: Type.Optional(
      Scopes('What is asked for where nothing but reads will be done; by default the same.'),
    ),
    resource: Type.Optional(Visible('RFC 8707: the resource that the token is for.')),
    audience: Type.Optional(Visible('The audience, as some authorization servers call it.')),
    revocation_endpoint: Type.Optional(Endpoint('RFC 7009: where a token is given back.')),
    default_seconds: Type.Optional(
      Type.Integer({
        minimum: 120,
        maximum: 86_400,
        description: 'How long a token lives whose answer does not say so; 300 by default.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type OauthRefreshParameters = Static<typeof Parameters>

type Secret = { readonly refresh_token: string; readonly client_secret?: string }

const form =
  'the secret must be JSON, {"refresh_token": "…"}, and a "client_secret" where the client has one'

export const oauthRefresh: MintKind<OauthRefreshParameters> = {
  name: 'oauth_refresh',
  providers: undefined,
  parameters: Parameters,
  multiline: true,
  exclusive: true,
  narrowsToReads: ({ read_scopes }) => read_scopes !== undefined,
  complaint(parameters, text) {
    const secret = readSecret(text)
    if (secret === undefined) return form
    const named = secret.client_secret !== undefined
    if (parameters.client_auth === 'none' && named)
      return 'the secret has a client_secret, and client_auth is none'
    if (parameters.client_auth !== 'none' && !named)
      return `the secret has no client_secret, which ${parameters.client_auth} takes`
    for (const name of ['token_endpoint', 'revocation_endpoint'] as const)
      if (!isEndpoint(parameters[name])) return `${name} must be an https URL without a fragment`
    const { scopes, read_scopes } = parameters
    const wider = scopes && read_scopes?.find((scope) => !scopes.includes(scope))
    return wider === undefined ? undefined : `read_scopes has ${wider}, which scopes has not`
  },
  origins: ({ token_endpoint, revocation_endpoint }) =>
    [token_endpoint, revocation_endpoint]
      .filter((url) => url !== undefined)
      .map((url) => new URL(url).origin),
  async mint(input) {
    const { parameters, narrowing } = input
    const secret = readSecret(input.secret)
    if (secret === undefined) return refuse('impossible', form)
    const scopes = narrowing.readOnly
      ? (parameters.read_scopes ?? parameters.scopes)
      : parameters.scopes
    const answer = await post(input, secret, parameters.token_endpoint, {
      grant_type: 'refresh_token',
      refresh_token: secret.refresh_token,
      scope: scopes?.join(' '),
      resource: parameters.resource,
      audience: parameters.audience,
    })
    const read = answer.status === 200 ? membersOf(answer.text) : undefined
    if (read === undefined) return refusalFor(answer)
    return minted(input, secret, scopes, read)
  },
  async revoke(input) {
    const { revocation_endpoint: endpoint } = input.parameters
    const secret = readSecret(input.secret)
    if (endpoint === undefined || secret === undefined)
      return { ok: false, detail: 'its parameters name no revocation endpoint' }
    const { status } = await post(input, secret, endpoint, {
      token: input.token,
      token_type_hint: 'access_token',
    })
    // RFC 7009 §2.2: also for a token that is worth nothing any more.
    return status === 200
      ? { ok: true }
      : { ok: false, detail: `the revocation endpoint answered ${String(status)}` }
  },
}

function minted(
  input: MintInput<OauthRefreshParameters>,
  secret: Secret,
  asked: readonly string[] | undefined,
  answer: Members,
): Minted {
  const { access_token, token_type, expires_in, refresh_token, scope } = answer
  // RFC 6749 §6: "the client MUST discard the old refresh token and replace it". Also where the rest is refused.
  const next =
    isToken(refresh_token) && refresh_token !== secret.refresh_token
      ? { rotated: JSON.stringify({ ...secret, refresh_token }) }
      : {}
  const impossible = (detail: string): MintRefusal => ({ ...refuse('impossible', detail), ...next })
  if (!isToken(access_token)) return impossible('the answer has no access token')
  // One that is bound to a key (RFC 9449) is worth nothing in a field alone.
  if (typeof token_type !== 'string' || token_type.toLowerCase() !== 'bearer')
    return impossible('the answer’s token is no bearer token')
  const got = scopesIn(scope)
  if (asked !== undefined && got?.every((one) => asked.includes(one)) !== true)
    return impossible('the answer’s token has a scope that was not asked for, or of no known form')
  const seconds = secondsOf(expires_in, input.parameters.default_seconds ?? 300)
  if (seconds === undefined) return impossible('the answer says no length of life that could be')
  return { ok: true, token: access_token, expiresAt: input.now + seconds * 1000, ...next }
}

/** RFC 6749 §5.1: one text, or nothing where they are those asked for; some write a list. Undefined for what is neither. */
function scopesIn(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value ?? '']
  if (!list.every((one) => typeof one === 'string')) return undefined
  return list.flatMap((one) => one.split(' ')).filter((one) => one !== '')
}

/** RFC 6749 §5.1: a number; some write it as text. */
function secondsOf(value: unknown, absent: number): number | undefined {
  if (value === undefined || value === null) return absent
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
  return typeof seconds === 'number' && Number.isFinite(seconds * 1000) && seconds > 0
    ? seconds
    : undefined
}

/** RFC 6749 §5.2. Of what came back, no word but these is repeated. */
const errors = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
]

function refusalFor({ status, text }: Answer): MintRefusal {
  const said = membersOf(text)?.['error']
  const error = errors.find((known) => known === said)
  const detail = `the token endpoint answered ${String(status)}${error === undefined ? '' : `: ${error}`}`
  if (status === 200) return refuse('unavailable', 'the token endpoint’s answer is no JSON object')
  if (status >= 500 || status === 408 || status === 429) return refuse('unavailable', detail)
  // It was used, has expired or was taken back: whatever is tried again with it is one more sign of theft.
  if (error === 'invalid_grant') return { ...refuse('rejected', detail), dead: true }
  return refuse('rejected', detail)
}

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

function post(
  { parameters, exchange }: Pick<MintInput<OauthRefreshParameters>, 'parameters' | 'exchange'>,
  secret: Secret,
  endpoint: string,
  fields: Readonly<Record<string, string | undefined>>,
): Promise<Answer> {
  const { client_id, client_auth } = parameters
  const body = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.set(name, value)
  if (client_auth !== 'client_secret_basic') body.set('client_id', client_id)
  if (client_auth === 'client_secret_post') body.set('client_secret', secret.client_secret ?? '')
  const url = new URL(endpoint)
  return exchange({
    origin: url.origin,
    method: 'POST',
    target: `${url.pathname}${url.search}`,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'user-agent': 'valetkey',
      ...(client_auth === 'client_secret_basic'
        ? { authorization: basic(client_id, secret.client_secret ?? '') }
        : {}),
    },
    body: body.toString(),
  })
}

/** RFC 6749 §2.3.1: each of the two is form-encoded first. */
function basic(id: string, secret: string): string {
  const encoded = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`
}

function readSecret(text: string): Secret | undefined {
  const members = asMembers(membersOf(text))
  if (members === undefined) return undefined
  const { refresh_token, client_secret, ...more } = members
  if (!isToken(refresh_token) || Object.keys(more).length > 0) return undefined
  if (client_secret === undefined) return { refresh_token }
  if (typeof client_secret !== 'string' || !/^[\x20-\x7e]{8,2000}$/.test(client_secret))
    return undefined
  return { refresh_token, client_secret }
}

function isEndpoint(text: string | undefined): boolean {
  if (text === undefined) return true
  if (!URL.canParse(text) || text.includes('#')) return false
  const { protocol, username, password } = new URL(text)
  return protocol === 'https:' && username === '' && password === ''
}

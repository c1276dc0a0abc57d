/**
 * Access tokens of a Google service account that another one may impersonate (IAM Credentials, generateAccessToken): for
 * minutes, in scopes that an admin stated. Against a key file that somebody else wrote: where the key's assertion goes is
 * not read from it (`token_uri`), it is Google's two hosts and no other.
 *
 * Such a token is as wide as its service account within its scopes: Google takes no narrower word for a resource. So the
 * account must be of a project that the environment is bound to. Nobody ends such a token before its time.
 */
import Type, { type Static } from 'typebox'
import { parseJson } from '../core/json.ts'
import {
  asMembers,
  isToken,
  membersOf,
  momentOf,
  refusalOf,
  textAt,
  type Answer,
  type Members,
} from './answer.ts'
import type { Minted, MintKind, MintRefusal } from './kind.ts'
import { complaintAboutKey, readRsaKey, signJwt } from './rsa-key.ts'

const tokenOrigin = 'https://oauth2.googleapis.com'
const credentialsOrigin = 'https://iamcredentials.googleapis.com'
const tokenTarget = '/token'
const usualSeconds = 3_600
const leastSeconds = 60
const skew = 300_000

const account = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const Email = Type.String({
  pattern: `^${account}@(?:[a-z0-9-]{1,63}\\.){1,5}gserviceaccount\\.com$`,
})
const scope = 'https://www\\.googleapis\\.com/auth/[a-z][a-z0-9._-]{0,90}'
/** Google's own names for what only reads; the part before is the service's. */
const reading = '[._-]read(?:[_-]?only)?'
const Parameters = Type.Object(
  {
    service_account: Email,
    scopes: Type.Array(Type.String({ pattern: `^${scope}$` }), { minItems: 1, maxItems: 20 }),
    read_scopes: Type.Optional(
      Type.Array(Type.String({ pattern: `^${scope}${reading}$` }), {
        minItems: 1,
        maxItems: 20,
        description: 'In place of scopes where nothing but reads will be done.',
      }),
    ),
    delegates: Type.Optional(Type.Array(Email, { minItems: 1, maxItems: 4 })),
    lifetime: Type.Optional(
      Type.Integer({
        minimum: leastSeconds,
        maximum: 43_200,
        description: 'The longest that a token may live, in seconds; 3600 where it is not said.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type GcpParameters = Static<typeof Parameters>

export const gcp: MintKind<GcpParameters> = {
  name: 'gcp',
  providers: undefined,
  parameters: Parameters,
  multiline: true,
  narrowsToReads: (parameters) => readScopes(parameters).length > 0,
  complaint(_, secret) {
    const file = readKeyFile(secret)
    return file === undefined
      ? 'the secret is not the key file of a service account (JSON with type, client_email and private_key)'
      : complaintAboutKey(file.privateKey)
  },
  origins: () => [tokenOrigin, credentialsOrigin],
  async mint({ parameters, secret, narrowing, exchange, now }) {
    const { service_account: target } = parameters
    const own = projectOf(target)
    if (!narrowing.bindings.some(({ kind, id }) => kind === 'project' && id === own))
      return refuse('impossible', 'the environment is not bound to the project of the account')
    const scopes = narrowing.readOnly ? readScopes(parameters) : parameters.scopes
    if (scopes.length === 0)
      return refuse('impossible', 'no scope is stated that only reads (read_scopes)')
    const file = readKeyFile(secret)
    const key = file === undefined ? undefined : readRsaKey(file.privateKey)
    if (file === undefined || key === undefined)
      return refuse('impossible', 'the key of the service account cannot be read')

    const issued = Math.floor(now / 1_000)
    const claims = {
      iss: file.clientEmail,
      scope: 'https://www.googleapis.com/auth/iam',
      aud: `${tokenOrigin}${tokenTarget}`,
      iat: issued,
      exp: issued + 300,
    }
    const assertion = await signJwt(key, claims, file.keyId)
    const granted = await exchange({
      origin: tokenOrigin,
      method: 'POST',
      target: tokenTarget,
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
      }).toString(),
    })
    if (granted.status !== 200) return refused('Google’s token endpoint', granted, [assertion])
    const bearer = membersOf(granted.text)?.['access_token']
    if (!isToken(bearer))
      return refuse('unavailable', 'Google’s token endpoint answered 200 without a token')

    const most = parameters.lifetime ?? usualSeconds
    const seconds = Math.max(leastSeconds, Math.min(Math.floor(narrowing.seconds), most))
    const answer = await exchange({
      origin: credentialsOrigin,
      method: 'POST',
      target: `/v1/projects/-/serviceAccounts/${target}:generateAccessToken`,
      headers: {
        ...headers,
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        scope: scopes,
        lifetime: `${String(seconds)}s`,
        ...(parameters.delegates === undefined
          ? {}
          : {
              delegates: parameters.delegates.map((one) => `projects/-/serviceAccounts/${one}`),
            }),
      }),
    })
    if (answer.status !== 200) return refused('Google', answer, [bearer])
    return minted(membersOf(answer.text), now, now + seconds * 1_000 + skew)
  },
}

const headers = { accept: 'application/json', 'user-agent': 'valetkey' }

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

/** The two endpoints have a form of error each. */
function refused(who: string, answer: Answer, hidden: readonly string[]): MintRefusal {
  const said = membersOf(answer.text)
  const oauth = [textAt(said, 'error'), textAt(said, 'error_description')]
  const words = [...oauth, textAt(said, 'error', 'status'), textAt(said, 'error', 'message')]
  return refusalOf(who, answer, words.filter((one) => one !== undefined).join(': '), hidden)
}

function readScopes({ scopes, read_scopes }: GcpParameters): readonly string[] {
  const only = new RegExp(`${reading}$`)
  return read_scopes ?? scopes.filter((one) => only.test(one))
}

/** Undefined for the accounts that Google made, whose names do not say it. */
function projectOf(email: string): string | undefined {
  return /@([a-z0-9-]+)\.iam\.gserviceaccount\.com$/.exec(email)?.[1]
}

function readKeyFile(secret: string):
  | {
      readonly clientEmail: string
      readonly privateKey: string
      readonly keyId: string | undefined
    }
  | undefined {
  const parsed = parseJson(Buffer.from(secret))
  const file = parsed.ok ? asMembers(parsed.value) : undefined
  const clientEmail = textAt(file, 'client_email')
  const privateKey = textAt(file, 'private_key')
  if (file?.['type'] !== 'service_account' || clientEmail === undefined) return undefined
  if (privateKey === undefined || !/^[\x21-\x7e]{3,320}$/.test(clientEmail)) return undefined
  const keyId = textAt(file, 'private_key_id')
  if (keyId !== undefined && !/^[A-Za-z0-9]{1,100}$/.test(keyId)) return undefined
  return { clientEmail, privateKey, keyId }
}

function minted(said: Members | undefined, now: number, until: number): Minted {
  const token = said?.['accessToken']
  const expiresAt = momentOf(said?.['expireTime'])
  if (!isToken(token) || expiresAt === undefined || expiresAt <= now)
    return refuse('unavailable', 'Google answered 200 without a token that could be used')
  return expiresAt > until
    ? refuse('impossible', 'Google answered with a token that lives longer than was asked')
    : { ok: true, token, expiresAt }
}

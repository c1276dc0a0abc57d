/**
 * Tokens of a Kubernetes service account (TokenRequest): for ten minutes or more, of one account in one namespace of the
 * environment. What the account may do is what the cluster's roles give it, which nothing here can narrow: where nothing but
 * reads will be done another account is needed (`read_service_account`). The token itself says whose it is and until when,
 * and is held against what was asked: a webhook of the cluster can change an answer.
 *
 * Nothing ends such a token but its time. One that is bound to an object ends with it, but whoever makes such objects (Secrets)
 * can also make tokens of any account that never end: a broker's account should not.
 */
import Type, { type Static } from 'typebox'
import { isToken, membersOf, momentOf, refusalOf, textAt, type Members } from './answer.ts'
import type { Minted, MintKind, MintRefusal } from './kind.ts'

/** RFC 1123: a label, and labels joined by dots. */
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const AccountName = Type.String({ pattern: `^${label}(?:\\.${label}){0,10}$`, maxLength: 253 })
const leastSeconds = 600
const usualSeconds = 3_600
const skew = 300_000

const Parameters = Type.Object(
  {
    namespace: Type.String({ pattern: `^${label}$` }),
    service_account: AccountName,
    read_service_account: Type.Optional(AccountName),
    audiences: Type.Optional(
      Type.Array(Type.String({ pattern: '^[\\x21-\\x7e]{1,300}$' }), {
        minItems: 1,
        maxItems: 10,
        description: 'Whom the token is for, where that is not the cluster’s own API.',
      }),
    ),
    expiration: Type.Optional(
      Type.Integer({
        minimum: leastSeconds,
        maximum: 86_400,
        description: 'The longest that a token may live, in seconds; 3600 where it is not said.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type KubernetesParameters = Static<typeof Parameters>

export const kubernetes: MintKind<KubernetesParameters> = {
  name: 'kubernetes',
  providers: ['kubernetes'],
  parameters: Parameters,
  narrowsToReads: ({ read_service_account }) => read_service_account !== undefined,
  complaint({ service_account, read_service_account }, secret) {
    if (!isToken(secret)) return 'the secret is not a bearer token'
    return service_account === read_service_account
      ? 'service_account and read_service_account are one; leave the latter out'
      : undefined
  },
  origins: (_, origin) => [origin],
  async mint({ parameters, secret, origin, narrowing, exchange, now }) {
    const { namespace, audiences } = parameters
    const bound = narrowing.bindings.some(
      ({ kind, id }) => kind === 'namespace' && id === namespace,
    )
    if (!bound) return refuse('impossible', 'the environment is not bound to the namespace')
    const name = narrowing.readOnly ? parameters.read_service_account : parameters.service_account
    if (name === undefined)
      return refuse('impossible', 'no account is stated that only reads (read_service_account)')
    const most = parameters.expiration ?? usualSeconds
    const asked = Math.max(leastSeconds, Math.min(Math.floor(narrowing.seconds), most))
    // Servers know 3607 from kubelets of old, and make a year of it.
    const seconds = asked === 3_607 ? 3_606 : asked
    const answer = await exchange({
      origin,
      method: 'POST',
      target: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${secret}`,
        'content-type': 'application/json',
        'user-agent': 'valetkey',
      },
      body: JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { ...(audiences === undefined ? {} : { audiences }), expirationSeconds: seconds },
      }),
    })
    const said = membersOf(answer.text)
    if (answer.status !== 200 && answer.status !== 201)
      return refusalOf('The cluster', answer, textAt(said, 'message'), [secret])
    const token = textAt(said, 'status', 'token')
    const expiresAt = momentOf(textAt(said, 'status', 'expirationTimestamp'))
    if (!isToken(token) || expiresAt === undefined)
      return refuse('unavailable', 'the cluster answered without a token that could be read')
    const subject = `system:serviceaccount:${namespace}:${name}`
    return checked({ token, expiresAt }, { subject, audiences, now, until: now + seconds * 1_000 })
  },
}

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

function checked(
  { token, expiresAt }: { readonly token: string; readonly expiresAt: number },
  asked: {
    readonly subject: string
    readonly audiences: readonly string[] | undefined
    readonly now: number
    readonly until: number
  },
): Minted {
  const claims = claimsOf(token)
  const ends = claims?.['exp']
  if (claims === undefined || typeof ends !== 'number')
    return refuse('unavailable', 'the cluster answered with a token that does not say whose it is')
  if (claims['sub'] !== asked.subject)
    return refuse('impossible', 'the cluster answered with a token of another account')
  const audiences: unknown = claims['aud']
  const given: readonly unknown[] = Array.isArray(audiences) ? audiences : [audiences]
  if (asked.audiences !== undefined && given.some((one) => !asked.audiences?.includes(String(one))))
    return refuse('impossible', 'the cluster answered with a token for another audience')
  if (Math.max(expiresAt, ends * 1_000) > asked.until + skew)
    return refuse('impossible', 'the cluster answered with a token that is longer than was asked')
  if (Math.min(expiresAt, ends * 1_000) <= asked.now)
    return refuse('unavailable', 'the cluster answered with a token that is over')
  // What the server goes by. Beside it an answer can say less, and a lease would be called over while its token works.
  return { ok: true, token, expiresAt: ends * 1_000 }
}

/** Not verified: it came from the server that it is for. */
function claimsOf(token: string): Members | undefined {
  const [, payload = '', signature, ...rest] = token.split('.')
  if (signature === undefined || rest.length > 0) return undefined
  return membersOf(Buffer.from(payload, 'base64url').toString())
}

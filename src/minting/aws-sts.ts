/**
 * Sessions of an AWS role (STS, AssumeRole): for minutes, and with a policy that denies what the environment is not bound
 * to and, where nothing but reads will be done, whatever is not one. Nothing ends a session before its time. Against
 * parameters that name another host: the region is one of a closed list, and the host is made from that list alone. Against
 * an answer about another role: the session that it names must be the one that was asked for.
 */
import Type, { type Static } from 'typebox'
import { encode } from '../provider/aws/form.ts'
import { destinationOf, partitions, type Destination } from '../provider/aws/hosts.ts'
import { readAwsKeys, signAws, type AwsKeys } from '../provider/aws/sign.ts'
import { childrenOf, parseXml, type Element } from '../provider/aws/xml.ts'
import { momentOf, refusalOf, type Answer } from './answer.ts'
import type { Minted, MintInput, MintKind, MintRefusal, Narrowing } from './kind.ts'
import { longest, sessionPolicy, StatedPolicy } from './session-policy.ts'

const leastSeconds = 900
/** Without leave of the role for more; also the most where one session assumes the next. */
const usualSeconds = 3_600
const skew = 300_000

const Parameters = Type.Object(
  {
    role_arn: Type.String({
      pattern:
        '^arn:(?:aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/(?:[A-Za-z0-9+=,.@_-]{1,128}/){0,8}[A-Za-z0-9+=,.@_-]{1,64}$',
    }),
    region: Type.String({
      pattern: '^[a-z]{2}(?:-[a-z]{1,12}){1,2}-[0-9]$',
      description: 'Of the STS that is asked.',
    }),
    external_id: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_+=,.@:/-]{2,1224}$' })),
    session_policy: Type.Optional(StatedPolicy),
    policy_arns: Type.Optional(
      Type.Array(
        Type.String({
          pattern:
            '^arn:(?:aws|aws-cn|aws-us-gov):iam::(?:aws|[0-9]{12}):policy/[A-Za-z0-9+=,.@_/-]{1,256}$',
        }),
        { minItems: 1, maxItems: 10 },
      ),
    ),
    duration: Type.Optional(
      Type.Integer({
        minimum: leastSeconds,
        maximum: 43_200,
        description: 'The longest that a session may live, in seconds; 3600 where it is not said.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type AwsStsParameters = Static<typeof Parameters>

export const awsSts: MintKind<AwsStsParameters> = {
  name: 'aws_sts',
  providers: ['aws'],
  parameters: Parameters,
  multiline: true,
  signs: 'aws4',
  complaint(parameters, secret) {
    const { partition, account } = roleOf(parameters)
    const destination = destinationOf('sts', parameters.region)
    if (destination === undefined) return 'the region is none that is known'
    if (destination.partition !== partition)
      return 'the region and the role are of different partitions'
    if (readAwsKeys(secret) === undefined)
      return 'the secret is not {"accessKeyId":"…","secretAccessKey":"…"}, with a sessionToken where it is temporary'
    const bindings = [{ kind: 'account', id: account }]
    const policy = policyOf(parameters, { bindings, readOnly: true })
    return 'impossible' in policy ? policy.impossible : undefined
  },
  origins: (parameters, origin) => [originOf(parameters, origin).origin],
  async mint(input) {
    const { parameters, narrowing, now } = input
    const role = roleOf(parameters)
    const { origin, destination } = originOf(parameters, input.origin)
    if (destination === undefined || destination.partition !== role.partition)
      return refuse('impossible', 'the region, the role and the credential are of one partition')
    const keys = readAwsKeys(input.secret)
    if (keys === undefined) return refuse('impossible', 'the key pair cannot be read')
    const policy = policyOf(parameters, narrowing)
    if ('impossible' in policy) return refuse('impossible', policy.impossible)
    const chained = keys.sessionToken !== undefined
    const most = Math.min(parameters.duration ?? usualSeconds, chained ? usualSeconds : Infinity)
    const seconds = Math.max(leastSeconds, Math.min(Math.floor(narrowing.seconds), most))
    const session = sessionName(input)
    const form: readonly (readonly [string, string])[] = [
      ['Action', 'AssumeRole'],
      ['Version', '2011-06-15'],
      ['RoleArn', parameters.role_arn],
      ['RoleSessionName', session],
      ['DurationSeconds', String(seconds)],
      ['Policy', policy.text],
      ...(parameters.policy_arns ?? []).map(
        (arn, i) => [`PolicyArns.member.${String(i + 1)}.arn`, arn] as const,
      ),
      ...(parameters.external_id === undefined
        ? []
        : [['ExternalId', parameters.external_id] as const]),
    ]
    const body = form.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
    const { pin, region } = destination
    const request = {
      method: 'POST',
      target: '/',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: Buffer.from(body),
      signing: { service: 'sts', region, origin, pin },
    }
    const headers = signAws(request, new URL(origin).host, keys, now)
    const answer = await input.exchange({
      origin,
      method: 'POST',
      target: '/',
      headers: { ...headers, 'user-agent': 'valetkey' },
      body,
    })
    const assumed = `arn:${role.partition}:sts::${role.account}:assumed-role/${role.name}/${session}`
    return answer.status === 200
      ? minted(answer, { assumed, until: now + seconds * 1_000 + skew, now })
      : refused(answer, keys)
  },
}

function refuse(why: MintRefusal['why'], detail: string): MintRefusal {
  return { ok: false, why, detail }
}

function roleOf({ role_arn }: AwsStsParameters): {
  readonly partition: string
  readonly account: string
  /** Without its path, as sessions are named after it. */
  readonly name: string
} {
  const [, partition = '', , , account = '', path = ''] = role_arn.split(':')
  return { partition, account, name: path.slice(path.lastIndexOf('/') + 1) }
}

const pins: ReadonlySet<string> = new Set(Object.values(partitions).map(({ pin }) => pin))

/** A declared upstream stands for all hosts of the provider, as it does for what is forwarded. */
function originOf(
  { region }: AwsStsParameters,
  credentialOrigin: string,
): { readonly origin: string; readonly destination: Destination | undefined } {
  const destination = destinationOf('sts', region)
  if (!pins.has(credentialOrigin)) return { origin: credentialOrigin, destination }
  return destination?.pin === credentialOrigin
    ? { origin: destination.origin, destination }
    : { origin: credentialOrigin, destination: undefined }
}

function policyOf(
  parameters: AwsStsParameters,
  narrowing: Pick<Narrowing, 'bindings' | 'readOnly'>,
): ReturnType<typeof sessionPolicy> {
  const { session_policy: stated, policy_arns: arns = [] } = parameters
  const policy = sessionPolicy(
    { stated, managed: arns.length > 0, ...roleOf(parameters) },
    narrowing,
  )
  if ('impossible' in policy || policy.text.length + arns.join('').length <= longest) return policy
  return { impossible: `the session policies have more than ${String(longest)} characters` }
}

/** As CloudTrail shows it. */
function sessionName({ cause, now }: Pick<MintInput<never>, 'cause' | 'now'>): string {
  const after = (cause ?? String(now)).replace(/[^A-Za-z0-9_+=,.@-]/g, '-')
  return `valetkey-${after}`.slice(0, 64)
}

function textOf(element: Element | undefined, ...path: readonly string[]): string | undefined {
  let at = element
  for (const name of path) {
    const found = childrenOf(at, name)
    // Twice is two answers.
    if (found.length !== 1) return undefined
    at = found[0]
  }
  return at?.text
}

function minted(
  { text }: Answer,
  asked: { readonly assumed: string; readonly until: number; readonly now: number },
): Minted {
  const document = parseXml(text)
  if (document?.name !== 'AssumeRoleResponse')
    return refuse('unavailable', 'STS answered 200 without a session that could be read')
  const say = (...path: readonly string[]) => textOf(document, 'AssumeRoleResult', ...path)
  const token = JSON.stringify({
    accessKeyId: say('Credentials', 'AccessKeyId'),
    secretAccessKey: say('Credentials', 'SecretAccessKey'),
    sessionToken: say('Credentials', 'SessionToken'),
  })
  const expiresAt = momentOf(say('Credentials', 'Expiration'))
  if (readAwsKeys(token)?.sessionToken === undefined || expiresAt === undefined)
    return refuse('unavailable', 'STS answered 200 without a session that could be read')
  if (say('AssumedRoleUser', 'Arn') !== asked.assumed)
    return refuse('impossible', 'STS answered with a session that is not the one asked for')
  if (expiresAt > asked.until)
    return refuse('impossible', 'STS answered with a session that is longer than was asked')
  if (expiresAt <= asked.now)
    return refuse('unavailable', 'STS answered with a session that is over')
  return { ok: true, token, expiresAt }
}

function refused(answer: Answer, keys: AwsKeys): MintRefusal {
  const document = parseXml(answer.text)
  const error = document?.name === 'ErrorResponse' ? document : undefined
  const code = textOf(error, 'Error', 'Code')
  const words = [code, textOf(error, 'Error', 'Message')].filter((one) => one !== undefined)
  const refusal = refusalOf('STS', answer, words.join(': '), Object.values(keys))
  // These come as 400 and pass by themselves.
  const passing =
    code === 'Throttling' || code === 'ThrottlingException' || code === 'IDPCommunicationError'
  return passing ? { ...refusal, why: 'unavailable' } : refusal
}

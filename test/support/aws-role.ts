/** AssumeRole, as strict as STS is about what it is asked, and the sessions that it gave. */
import { randomBytes } from 'node:crypto'

export type AwsRole = {
  readonly externalId?: string
  /** The longest session, in seconds; 3600 where absent. */
  readonly longest?: number
}

export type AwsSession = {
  readonly keys: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken: string
  }
  readonly role: string
  readonly name: string
  readonly seconds: number
  readonly expiresAt: number
  readonly policy: SessionPolicy
  readonly policyArns: readonly string[]
}

export type SessionPolicy = {
  readonly Version: string
  readonly Statement: readonly Readonly<Record<string, unknown>>[]
}

type Answer = { readonly status: number; readonly body: string; readonly type?: string }

export function assumeRole(
  body: Buffer,
  roles: Readonly<Record<string, AwsRole>> | undefined,
  sessions: Map<string, AwsSession>,
): Answer {
  const form = new URLSearchParams(body.toString())
  const arn = form.get('RoleArn') ?? ''
  const name = form.get('RoleSessionName') ?? ''
  const seconds = Number(form.get('DurationSeconds') ?? '3600')
  const text = form.get('Policy') ?? ''
  const role = roles !== undefined && Object.hasOwn(roles, arn) ? roles[arn] : undefined
  if (form.get('Version') !== '2011-06-15') return failure(400, 'InvalidAction', 'no such version')
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    return failure(400, 'ValidationError', 'roleSessionName does not match')
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > (role?.longest ?? 3600))
    return failure(400, 'ValidationError', 'DurationSeconds exceeds the MaxSessionDuration')
  const arns = [...form].filter(([key]) => key.startsWith('PolicyArns.')).map(([, one]) => one)
  if (text.length + arns.join('').length > 2048)
    return failure(400, 'PackedPolicyTooLarge', 'Packed policy consumes 120% of allotted space')
  let policy: SessionPolicy
  try {
    policy = JSON.parse(text) as SessionPolicy
  } catch {
    return failure(400, 'MalformedPolicyDocument', 'not JSON')
  }
  const external = form.get('ExternalId') ?? undefined
  if (role === undefined || (role.externalId !== undefined && role.externalId !== external))
    return failure(403, 'AccessDenied', `User: arn:aws:iam::1:user/u is not authorized: ${arn}`)
  const keys = {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: randomBytes(300).toString('base64'),
  }
  const expiresAt = Math.floor(Date.now() / 1000 + seconds) * 1000
  const session = { keys, role: arn, name, seconds, expiresAt, policy, policyArns: arns }
  sessions.set(keys.accessKeyId, session)
  return { status: 200, body: assumed(session) }
}

export function assumed({ keys, role, name, expiresAt }: Omit<AwsSession, 'policy'>): string {
  const [, partition = '', , , account = '', path = ''] = role.split(':')
  const arn = `arn:${partition}:sts::${account}:assumed-role/${path.split('/').at(-1) ?? ''}/${name}`
  const expiration = new Date(expiresAt).toISOString().replace('.000', '')
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>AROA3XFRBF535PLBIFPI4:${name}</AssumedRoleId><Arn>${arn}</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${keys.accessKeyId}</AccessKeyId>
      <SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey>
      <SessionToken>${keys.sessionToken}</SessionToken>
      <Expiration>${expiration}</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>`
}

function failure(status: number, code: string, message: string): Answer {
  return {
    status,
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  }
}

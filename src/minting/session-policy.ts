/**
 * The policy of an AWS session: what an admin stated, and statements that deny what the environment is not bound to, what is
 * not a read, and ways out of the session. All that is added denies, because the policies of a session are added to one
 * another before they are intersected with the role's, and because only a denial holds against a policy of the resource that
 * names the session itself.
 */
import Type, { type Static } from 'typebox'
import type { Narrowing } from './kind.ts'

const Texts = Type.Union([
  Type.String({ maxLength: 2_048 }),
  Type.Array(Type.String({ maxLength: 2_048 }), { minItems: 1, maxItems: 100 }),
])
const Value = Type.Union([Type.String({ maxLength: 2_048 }), Type.Boolean(), Type.Number()])
const Statement = Type.Object(
  {
    Sid: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]{0,64}$' })),
    Effect: Type.Union([Type.Literal('Allow'), Type.Literal('Deny')]),
    Action: Type.Optional(Texts),
    NotAction: Type.Optional(Texts),
    Resource: Type.Optional(Texts),
    NotResource: Type.Optional(Texts),
    Condition: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 100 }),
        Type.Record(
          Type.String({ maxLength: 200 }),
          Type.Union([Value, Type.Array(Value, { maxItems: 100 })]),
        ),
      ),
    ),
  },
  { additionalProperties: false },
)

/** As an admin states one, and as AWS reads a policy of the current language that names no principal. */
export const StatedPolicy = Type.Object(
  {
    // Under 2008-10-17, AWS's default, a variable is plain text: a condition would mean another thing.
    Version: Type.Literal('2012-10-17'),
    Statement: Type.Array(Statement, { minItems: 1, maxItems: 50 }),
  },
  { additionalProperties: false },
)
export type StatedPolicy = Static<typeof StatedPolicy>

type Denial = Readonly<Record<string, unknown>>

export type SessionPolicy = {
  /** Where absent, the managed policies alone say what is allowed; where there are none either, the role does. */
  readonly stated?: StatedPolicy | undefined
  /** Whether managed policies are passed beside it. */
  readonly managed: boolean
  readonly partition: string
  /** The role's. */
  readonly account: string
}

/** All that reads, of the services that are known here. What a role may do elsewhere, a session for reads may not. */
export const readActions = [
  ...[
    'BatchGet*',
    'ConditionCheckItem',
    'Describe*',
    'Get*',
    'List*',
    'PartiQLSelect',
    'Query',
  ].map((name) => `dynamodb:${name}`),
  'dynamodb:Scan',
  'ec2:Describe*',
  'ec2:Get*',
  'ec2:List*',
  'ec2:Search*',
  'iam:Get*',
  'iam:List*',
  'iam:Simulate*',
  'kms:Decrypt',
  'rds:Describe*',
  'rds:Download*',
  'rds:List*',
  's3:Get*',
  's3:List*',
  'sts:DecodeAuthorizationMessage',
  'sts:GetAccessKeyInfo',
  'sts:GetCallerIdentity',
] as const

/** Sessions that would outlive this one, or be without its policy. */
export const waysOut = ['s3:GetDataAccess', 'sts:Assume*', 'sts:Get*Token'] as const

/** Global services answer in one region; they count where the environment is bound to what has none. */
const everywhere = new Set(['global', 'aws-cn-global', 'aws-us-gov-global'])
const globalActions = ['iam:*', 's3:ListAllMyBuckets', 'sts:*'] as const

/** The policy as STS takes it, or why there is none that is narrow enough. */
export function sessionPolicy(
  { stated, managed, partition, account }: SessionPolicy,
  { bindings, readOnly }: Pick<Narrowing, 'bindings' | 'readOnly'>,
): { readonly text: string } | { readonly impossible: string } {
  const of = (kind: string): readonly string[] =>
    bindings.filter((one) => one.kind === kind).map(({ id }) => id)
  const accounts = of('account')
  const tables = of('table').map((id) => id.split('/'))
  const buckets = of('bucket').map((name) => `arn:${partition}:s3:::${name}`)
  const named = new Set([...accounts, ...tables.map(([owner = '']) => owner)])
  if (named.size === 0 ? buckets.length === 0 : !named.has(account))
    return { impossible: 'the environment is not bound to the account of the role' }
  const objects = buckets.flatMap((arn) => [arn, `${arn}/*`])
  const denied: Denial[] = [
    { Action: waysOut, Resource: '*' },
    // A key opens what is stored here, and nothing by itself.
    {
      Action: keysOfData,
      Resource: '*',
      Condition: { StringNotLike: { 'kms:ViaService': ['s3.*', 'dynamodb.*', 'rds.*', 'ec2.*'] } },
    },
  ]
  if (accounts.includes(account)) {
    // Data is not carried to a bucket of somebody else's who lets everybody write.
    denied.push({
      Action: 's3:*',
      ...(objects.length === 0 ? { Resource: '*' } : { NotResource: objects }),
      Condition: {
        StringNotEquals: { 's3:ResourceAccount': accounts },
        Null: { 's3:ResourceAccount': 'false' },
      },
    })
  } else {
    if (of('tag').length > 0)
      return { impossible: 'a session is not narrowed to tags; bind the account, or what is meant' }
    const own = tables.flatMap(([owner = '', region = '', name = '']) => {
      const arn = `arn:${partition}:dynamodb:${region}:${owner}:table/${name}`
      return [arn, `${arn}/*`]
    })
    denied.push({ NotAction: keysOfData, NotResource: [...objects, ...own] })
  }
  const bound = of('region')
  const regions = bound.filter((name) => !everywhere.has(name))
  if (bound.length > 0)
    denied.push({
      ...(bound.length > regions.length ? { NotAction: globalActions } : { Action: '*' }),
      Resource: '*',
      ...(regions.length > 0
        ? { Condition: { StringNotEquals: { 'aws:RequestedRegion': regions } } }
        : {}),
    })
  if (readOnly) denied.push({ NotAction: readActions, Resource: '*' })

  const base: readonly Denial[] =
    stated?.Statement ?? (managed ? [] : [{ Effect: 'Allow', Action: '*', Resource: '*' }])
  const text = JSON.stringify({
    Version: '2012-10-17',
    Statement: [...base, ...denied.map((one) => ({ Effect: 'Deny', ...one }))],
  })
  // `\u0020` to `\u00ff`, and JSON.stringify writes no line ends.
  if (!/^[\x20-\xff]*$/.test(text)) return { impossible: 'the session policy is not Latin text' }
  if (text.length > longest)
    return {
      impossible: `the session policy has ${String(text.length)} characters with what narrows it, and STS takes ${String(longest)}`,
    }
  return { text }
}

const keysOfData = ['kms:Decrypt', 'kms:GenerateDataKey']
/** Of STS, for the inline policy and the names of managed ones together. */
export const longest = 2_048

/**
 * AWS: EC2, S3, RDS, DynamoDB, IAM and STS, as their SDKs speak to them. The capability comes as the session token of an
 * otherwise meaningless key pair; the request is signed anew when it leaves.
 */
import { place } from '../../core/operation.ts'
import type { CarrierStyle, MintedSecret, ProviderAdapter } from '../adapter.ts'
import { factMembers } from '../facts/members.ts'
import { createGenerations, isWrite } from '../kept-answers.ts'
import { awsEntries, awsVersion, findEntry } from './catalogue.ts'
import { awsFactSource } from './fact-question.ts'
import { facts } from './facts.ts'
import { partitions } from './hosts.ts'
import { bodyLimit, identifyAws } from './identify.ts'
import { awsLocate } from './locate.ts'
import { awsReach } from './reach.ts'
import { awsRefusal } from './refusal.ts'
import { bucketPattern } from './s3-bucket.ts'

const carriers: readonly CarrierStyle[] = [
  { name: 'session-token', header: 'x-amz-security-token', prefix: '' },
]
const injections: readonly CarrierStyle[] = [
  { name: 'aws4', header: 'authorization', prefix: 'AWS4-HMAC-SHA256 ', signs: 'aws4' },
]

/**
 * Answers that are, or hold, a credential which did not exist before. They are XML, in which nothing is taken out: the
 * path says that there is something, so that the answer is withheld unless the grant reveals it.
 */
const minting: Readonly<Record<string, MintedSecret>> = Object.fromEntries(
  [
    'ec2/CreateKeyPair',
    'iam/CreateAccessKey',
    'iam/CreateServiceSpecificCredential',
    'iam/CreateVirtualMFADevice',
    'iam/ResetServiceSpecificCredential',
    'sts/AssumeRole',
    'sts/AssumeRoleWithSAML',
    'sts/AssumeRoleWithWebIdentity',
    'sts/AssumeRoot',
    'sts/GetDelegatedAccessToken',
    'sts/GetFederationToken',
    'sts/GetSessionToken',
    'sts/GetWebIdentityToken',
  ].map((name) => [name, { paths: [['Credentials', 'SecretAccessKey']] }]),
)

/** `now` is a clock in milliseconds that never goes back, `date` one that counts them since the epoch. */
export function awsAdapter(
  now: () => number = () => performance.now(),
  date: () => number = Date.now,
): ProviderAdapter {
  const generations = createGenerations()
  return {
    name: 'aws',
    get catalogueVersion() {
      return awsVersion()
    },
    origins: Object.values(partitions).map(({ pin }) => pin),
    pathPrefixes: [],
    carriers,
    injections,
    bindings: [
      { kind: 'account', pattern: '^[0-9]{12}$', example: '123456789012' },
      {
        kind: 'region',
        pattern: '^(?:[a-z]{2}(?:-[a-z]+)+-[0-9]|(?:aws-(?:cn|us-gov)-)?global)$',
        example: 'eu-central-1',
      },
      { kind: 'bucket', pattern: bucketPattern, example: 'acme-staging-uploads' },
      {
        kind: 'table',
        pattern: '^[0-9]{12}/[a-z]{2}(?:-[a-z]+)+-[0-9]/[A-Za-z0-9_.-]{3,255}$',
        example: '123456789012/eu-central-1/orders',
      },
      {
        kind: 'tag',
        pattern: '^[A-Za-z0-9_.:/+@-]{1,128}=[A-Za-z0-9_.:/+@ -]{1,256}$',
        example: 'environment=staging',
      },
    ],
    errorAnswer: awsRefusal,
    headers: { 'user-agent': 'valetkey' },
    bodyLimit,
    operations: awsEntries,
    find: findEntry,
    identify: identifyAws,
    bindingPlace: place,
    locate: awsLocate(now, generations),
    delivered(invocations, { cacheKey, actingKey }) {
      if (!invocations.some(isWrite)) return
      generations.pass(cacheKey)
      if (actingKey !== undefined) generations.pass(actingKey)
    },
    ...factMembers(awsFactSource(facts), { now, date }),
    reach: awsReach,
    minted: (invocation) => minting[invocation.operation],
  }
}

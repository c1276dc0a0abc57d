/** The SDK's own clients, unmodified but for endpoint and credentials, through a whole broker. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  DescribeInstancesCommand,
  EC2Client,
  ModifyInstanceAttributeCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { startAwsStandIn, type AwsStandIn } from '../../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { grantOn } from '../../support/world.ts'

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
  sessionToken: 'c3RhbmQtaW4tc2Vzc2lvbi10b2tlbi1vZi10aGUtdGVzdHM=',
}
const account = '111111111111'
const staging = 'i-0123456789abcdef0'
const production = 'i-0fedcba9876543210'

let aws: AwsStandIn
let broker: TestBroker

before(async () => {
  aws = await startAwsStandIn(keys, {
    account,
    buckets: { 'acme-staging': account, 'acme-prod': account, 'others-bucket': '222222222222' },
    instances: {
      [staging]: { owner: account, tags: { env: 'staging' } },
      [production]: { owner: account, tags: { env: 'production' } },
      'i-0222222222222222f': { owner: '222222222222' },
    },
  })
  broker = await openTestBroker(undefined, { upstreams: { aws: aws.origin } })
})
after(async () => {
  await broker.close()
  await aws.close()
})

async function clients(
  bindings: readonly (readonly [kind: string, id: string])[],
  verbs: readonly string[],
  grant: Record<string, unknown> = {},
) {
  const granted = await grantOn(broker, {
    provider: 'aws',
    bindings: bindings.map(([kind, id]) => ({ provider: 'aws', kind, id })),
    secret: JSON.stringify(keys),
    grant: { verbs, ...grant },
  })
  const config = {
    endpoint: `${broker.url}/proxy/aws`,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: {
      accessKeyId: 'AKIDAGENT',
      secretAccessKey: 'not-a-secret',
      sessionToken: await granted.token(),
    },
  }
  return { s3: new S3Client({ ...config, forcePathStyle: true }), ec2: new EC2Client(config) }
}

/** How many requests reached AWS that are none of the broker's own look-ups. */
function acts(): number {
  const lookup = ({ action, method }: { action: string; method: string }) =>
    method === 'HEAD' || /^(?:Describe|GetCallerIdentity)/.test(action)
  return aws.requests.filter((request) => !lookup(request)).length
}

/** The status of a refusal that is the broker's own. */
async function refusedWith(promise: Promise<unknown>): Promise<number | undefined> {
  const before = acts()
  try {
    await promise
  } catch (error) {
    assert.equal(acts(), before, 'it reached AWS')
    return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  }
  throw new Error('it was allowed')
}

describe('@aws-sdk/client-s3 through the broker', () => {
  it('puts, gets, lists, copies and deletes objects of its bucket', async () => {
    const { s3 } = await clients(
      [['bucket', 'acme-staging']],
      ['read', 'write', 's3/DeleteObject', 's3/DeleteObjects'],
      { approval: 'never' },
    )
    const Bucket = 'acme-staging'
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: "a/b c+(1)'ü.txt",
        Body: 'hello',
        Metadata: { k: 'v  w' },
        CacheControl: 'no-store',
      }),
    )
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: "a/b c+(1)'ü.txt" }))
    assert.equal(await got.Body?.transformToString(), 'hello')
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'copy',
        CopySource: `${Bucket}/${encodeURIComponent("a/b c+(1)'ü.txt")}`,
      }),
    )
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'a b/+' }))
    assert.equal(listed.KeyCount, 2)
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'copy' }))
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x&<y>' }] } }))
    assert.deepEqual([...aws.objects.keys()], [`${Bucket}/a/b c+(1)'ü.txt`])
    assert.ok(aws.requests.every(({ signed }) => signed))
    assert.ok(
      aws.requests.every(({ headers }) => headers['x-amz-security-token'] === keys.sessionToken),
    )
  })

  it('is refused another bucket, a copy from one, the list of all, and effects that it was not granted', async () => {
    const { s3 } = await clients([['bucket', 'acme-staging']], ['read', 'write'])
    for (const command of [
      new PutObjectCommand({ Bucket: 'acme-prod', Key: 'k', Body: 'x' }),
      new CopyObjectCommand({ Bucket: 'acme-staging', Key: 'k', CopySource: 'acme-prod/k' }),
      new ListBucketsCommand({}),
      new DeleteObjectCommand({ Bucket: 'acme-staging', Key: 'k' }),
      new PutObjectCommand({ Bucket: 'acme-staging', Key: 'k', Body: 'x', ACL: 'public-read' }),
      new PutBucketVersioningCommand({
        Bucket: 'acme-staging',
        VersioningConfiguration: { Status: 'Suspended' },
      }),
    ]) {
      assert.equal(
        await refusedWith(s3.send(command as PutObjectCommand)),
        403,
        command.constructor.name,
      )
    }
  })

  it('reaches every bucket of its account where the account is bound, and none of another’s', async () => {
    const { s3 } = await clients([['account', account]], ['read', 'write'])
    await s3.send(new PutObjectCommand({ Bucket: 'acme-prod', Key: 'k', Body: 'x' }))
    assert.equal(
      await refusedWith(
        s3.send(new PutObjectCommand({ Bucket: 'others-bucket', Key: 'k', Body: 'x' })),
      ),
      403,
    )
  })
})

describe('@aws-sdk/client-ec2 through the broker', () => {
  it('describes and terminates what carries its tag, and nothing else', async () => {
    const { ec2 } = await clients([['tag', 'env=staging']], ['read', 'ec2/TerminateInstances'], {
      approval: 'never',
    })
    const described = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [staging] }))
    assert.equal(described.Reservations?.[0]?.Instances?.[0]?.InstanceId, staging)
    for (const command of [
      new DescribeInstancesCommand({}),
      new DescribeInstancesCommand({ InstanceIds: [production] }),
      new TerminateInstancesCommand({ InstanceIds: [staging, production] }),
      new TerminateInstancesCommand({ InstanceIds: ['i-0000000000000000f'] }),
      new ModifyInstanceAttributeCommand({
        InstanceId: staging,
        DisableApiTermination: { Value: false },
      }),
    ]) {
      assert.equal(
        await refusedWith(ec2.send(command as DescribeInstancesCommand)),
        403,
        command.constructor.name,
      )
    }
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [staging] }))
    assert.deepEqual(aws.terminated, [staging])
  })

  it('waits for a person where its grant says so', async () => {
    const { ec2 } = await clients([['account', account]], ['ec2/TerminateInstances'], {
      approval: 'destructive',
    })
    assert.equal(
      await refusedWith(ec2.send(new TerminateInstancesCommand({ InstanceIds: [production] }))),
      403,
    )
    assert.ok(!aws.terminated.includes(production))
  })

  it('keeps to its account and its regions', async () => {
    const { ec2 } = await clients(
      [
        ['account', account],
        ['region', 'us-east-1'],
      ],
      ['read'],
    )
    assert.equal(
      await refusedWith(ec2.send(new DescribeInstancesCommand({ InstanceIds: [staging] }))),
      403,
    )
    const here = await clients(
      [
        ['account', account],
        ['region', 'eu-west-1'],
      ],
      ['read'],
    )
    await here.ec2.send(new DescribeInstancesCommand({ InstanceIds: [staging] }))
    assert.equal(
      await refusedWith(
        here.ec2.send(new DescribeInstancesCommand({ InstanceIds: ['i-0222222222222222f'] })),
      ),
      403,
    )
  })
})

/**
 * Names that are the same in another of AWS's partitions: buckets, tables and numbers of accounts exist in each on their
 * own, and are somebody else's there.
 */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ProviderRequest } from '../../src/provider/adapter.ts'
import { awsAdapter } from '../../src/provider/aws/adapter.ts'
import { destinationOf, partitions, regions } from '../../src/provider/aws/hosts.ts'
import { awsLocate } from '../../src/provider/aws/locate.ts'
import { awsReach } from '../../src/provider/aws/reach.ts'
import { outgoing } from '../../src/proxy/outgoing.ts'
import { SecretText } from '../../src/vault/secret-text.ts'
import { authorization, dynamo, form, identified, refused, s3 } from '../provider/aws/request.ts'

const own = '111111111111'
const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>${own}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

function inRegion(request: ProviderRequest, service: string, region: string): ProviderRequest {
  return {
    ...request,
    headers: { ...request.headers, authorization: authorization(service, region) },
  }
}

/** Whether an environment holds it, where its names are all the credential's own. */
async function isHeld(request: ProviderRequest, bound: readonly string[]): Promise<boolean> {
  const { invocation } = identified(request)
  const located = await awsLocate(() => 0)(invocation, {
    ask: () => Promise.resolve({ status: 200, json: undefined, text: identity }),
    fresh: true,
    cacheKey: 'cred:1',
    bound: new Set(bound),
  })
  return located.unresolved.length === 0 && located.places.every((one) => bound.includes(one))
}

const requests: readonly (readonly [service: string, ProviderRequest])[] = [
  ['s3', s3('PUT', '/acme-staging/k', {}, 'x')],
  ['dynamodb', dynamo('GetItem', { TableName: 'orders', Key: {} })],
  ['ec2', form('ec2', 'DescribeInstances')],
  ['sts', form('sts', 'GetCallerIdentity')],
]
const here = ['bucket:acme-staging', `account:${own}`, `table:${own}/eu-west-1/orders`]

it('does not hold in China and GovCloud what it holds by name at home', async () => {
  for (const [service, request] of requests) {
    assert.equal(await isHeld(inRegion(request, service, 'eu-west-1'), here), true, service)
    for (const region of ['cn-north-1', 'cn-northwest-1', 'us-gov-west-1', 'us-gov-east-1']) {
      const there = inRegion(request, service, region)
      assert.equal(await isHeld(there, here), false, `${service} ${region}`)
      assert.equal(await isHeld(there, [...here, `region:${region}`]), true, `${service} ${region}`)
      assert.equal(await isHeld(there, [...here, 'region:eu-west-1', 'region:global']), false)
    }
  }
})

it('counts what has no region as of its own partition', async () => {
  const users = form('iam', 'ListUsers')
  const buckets = s3('GET', '/')
  for (const [region, everywhere] of [
    ['cn-north-1', 'aws-cn-global'],
    ['us-gov-west-1', 'aws-us-gov-global'],
  ] as const) {
    for (const [service, request] of [
      ['iam', users],
      ['s3', buckets],
    ] as const) {
      const there = inRegion(request, service, region)
      assert.equal(await isHeld(there, [...here, 'region:global', `region:${region}`]), false)
      assert.equal(await isHeld(there, [...here, `region:${everywhere}`]), true, everywhere)
    }
  }
})

it('takes no ARN of another partition for a name of this one', async () => {
  const get = (TableName: string) => dynamo('GetItem', { TableName, Key: {} })
  const bound = [`table:${own}/cn-north-1/orders`, `account:${own}`, 'region:cn-north-1']
  const inChina = (arn: string) => inRegion(get(arn), 'dynamodb', 'cn-north-1')
  assert.equal(
    await isHeld(inChina(`arn:aws-cn:dynamodb:cn-north-1:${own}:table/orders`), bound),
    true,
  )
  for (const partition of ['aws', 'aws-us-gov', 'aws-iso', 'aws-cnx', 'AWS-CN', 'awscn', 'aws-'])
    assert.equal(
      await isHeld(inChina(`arn:${partition}:dynamodb:cn-north-1:${own}:table/orders`), bound),
      false,
      partition,
    )
  assert.equal(await isHeld(get(`arn:aws-cn:dynamodb:eu-west-1:${own}:table/orders`), here), false)
})

it('signs nothing for a partition that the credential is not pinned to', () => {
  const secret = () =>
    SecretText.of(
      JSON.stringify({
        accessKeyId: 'AKIASTANDINKEYPAIR01',
        secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
      }),
    )
  const adapter = awsAdapter()
  const homes: readonly (readonly [string, string, string])[] = [
    ['eu-west-1', partitions.aws.pin, 'https://ec2.eu-west-1.amazonaws.com'],
    ['cn-north-1', partitions['aws-cn'].pin, 'https://ec2.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', partitions['aws-us-gov'].pin, 'https://ec2.us-gov-west-1.amazonaws.com'],
  ]
  assert.deepEqual(
    adapter.origins,
    homes.map(([, pin]) => pin),
  )
  for (const [region, pin, origin] of homes) {
    const { request } = identified(inRegion(form('ec2', 'DescribeInstances'), 'ec2', region))
    for (const pinned of adapter.origins) {
      const leaving = outgoing(adapter, request, { style: 'aws4', origin: pinned }, secret(), 0)
      const expected: string = pinned === pin ? origin : 'pinned_elsewhere'
      assert.equal(leaving.ok ? leaving.origin : leaving.why, expected, `${region} ${pinned}`)
    }
  }
})

it('sends global services to the one host of their partition, in its own scope', () => {
  for (const [region, origin, scope] of [
    ['eu-west-1', 'https://iam.amazonaws.com', 'us-east-1'],
    ['cn-northwest-1', 'https://iam.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['us-gov-east-1', 'https://iam.us-gov.amazonaws.com', 'us-gov-west-1'],
  ] as const) {
    const destination = destinationOf('iam', region)
    assert.equal(destination?.origin, origin)
    assert.equal(destination.region, scope)
  }
})

it('refuses partitions that it does not know, and says which it knows', () => {
  for (const region of ['us-iso-east-1', 'us-isob-east-1', 'eusc-de-east-1', 'eu-isoe-west-1'])
    assert.match(
      refused(inRegion(form('ec2', 'DescribeInstances'), 'ec2', region)),
      /^operation_unknown: .* aws, aws-cn and aws-us-gov/,
      region,
    )
  assert.equal(regions.has('global'), false)
})

it('asks whose a credential is in the partition that its environment names', async () => {
  for (const [bound, origin] of [
    [[], 'https://sts.us-east-1.amazonaws.com'],
    [['region:eu-west-1'], 'https://sts.eu-west-1.amazonaws.com'],
    [['region:cn-northwest-1'], 'https://sts.cn-northwest-1.amazonaws.com.cn'],
    [['region:aws-us-gov-global'], 'https://sts.us-gov-west-1.amazonaws.com'],
  ] as const) {
    const asked: (string | undefined)[] = []
    const reach = await awsReach(
      ({ signing }) => {
        asked.push(signing?.origin)
        return Promise.resolve({ status: 200, json: undefined, text: identity })
      },
      new Set([`account:${own}`, ...bound]),
    )
    assert.deepEqual(asked, [origin])
    assert.notEqual(reach.kind, 'rejected')
  }
})

it('keeps no answer about a credential for another partition', async () => {
  const asked: (string | undefined)[] = []
  const locate = awsLocate(() => 0)
  for (const region of ['eu-west-1', 'us-east-1', 'cn-north-1']) {
    const { invocation } = identified(inRegion(form('ec2', 'DescribeInstances'), 'ec2', region))
    await locate(invocation, {
      ask({ signing }) {
        asked.push(signing?.origin)
        return Promise.resolve({ status: 200, json: undefined, text: identity })
      },
      fresh: false,
      cacheKey: 'cred:1',
      actingKey: 'cred:1',
      bound: new Set(here),
    })
  }
  assert.deepEqual(asked, [
    'https://sts.eu-west-1.amazonaws.com',
    'https://sts.cn-north-1.amazonaws.com.cn',
  ])
})

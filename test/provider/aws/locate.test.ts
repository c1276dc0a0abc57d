import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Located } from '../../../src/core/operation.ts'
import type { Ask, ProviderRequest, RebuiltRequest } from '../../../src/provider/adapter.ts'
import { awsLocate } from '../../../src/provider/aws/locate.ts'
import { dynamo, form, identified, s3 } from './request.ts'

const account = '111111111111'
const instance = 'i-0123456789abcdef0'
type Reply = { readonly status: number; readonly json: undefined; readonly text?: string }

const xml = (text: string): Reply => ({ status: 200, json: undefined, text })
const identity = xml(
  `<GetCallerIdentityResponse xmlns="x"><GetCallerIdentityResult><Arn>arn:aws:iam::${account}:user/u</Arn><Account>${account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
)
const owned = (id: string, owner: string) =>
  xml(
    `<DescribeInstancesResponse><reservationSet><item><ownerId>${owner}</ownerId><instancesSet><item><instanceId>${id}</instanceId></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
  )
const tagged = (id: string, key: string, value: string) =>
  xml(
    `<DescribeTagsResponse><tagSet><item><resourceId>${id}</resourceId><key>${key}</key><value>${value}</value></item></tagSet></DescribeTagsResponse>`,
  )

type World = {
  readonly asked: RebuiltRequest[]
  readonly askedBy: ('acting' | undefined)[]
  readonly locate: (
    request: ProviderRequest,
    bound: readonly string[],
    fresh?: boolean,
  ) => Promise<Located>
}

/** Answers to questions by their action; those of S3 by their path. */
function world(answers: Readonly<Record<string, Reply>>): World {
  const asked: RebuiltRequest[] = []
  const askedBy: ('acting' | undefined)[] = []
  const ask: Ask = (question, by) => {
    asked.push(question)
    askedBy.push(by)
    const action = new URLSearchParams(question.body?.toString()).get('Action') ?? question.target
    const answer = action === 'GetCallerIdentity' ? (answers[action] ?? identity) : answers[action]
    return answer === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(answer)
  }
  let now = 0
  const locate = awsLocate(() => now++)
  return {
    asked,
    askedBy,
    async locate(request, bound, fresh = false) {
      const { invocation } = identified(request)
      return locate(invocation, {
        ask,
        fresh,
        cacheKey: 'cred:1',
        actingKey: 'cred:1',
        bound: new Set(bound),
      })
    },
  }
}

const terminate = form('ec2', 'TerminateInstances', `InstanceId.1=${instance}`)

describe('locate', () => {
  it('puts what names nothing into the account that STS says the credential belongs to', async () => {
    const { locate, asked } = world({})
    assert.deepEqual(await locate(form('ec2', 'DescribeInstances'), [`account:${account}`]), {
      places: [`account:${account}`],
      unresolved: [],
    })
    assert.deepEqual(
      asked.map(({ signing }) => signing?.origin),
      ['https://sts.eu-west-1.amazonaws.com'],
    )
  })

  it('puts an id into the account that owns it', async () => {
    const { locate } = world({ DescribeInstances: owned(instance, '222222222222') })
    assert.deepEqual((await locate(terminate, [`account:${account}`])).places, [
      'account:222222222222',
    ])
  })

  it('puts an id into the tag that is bound, and into the account where it carries another', async () => {
    const staging = world({ DescribeTags: tagged(instance, 'env', 'staging') })
    assert.deepEqual((await staging.locate(terminate, ['tag:env=staging'])).places, [
      'tag:env=staging',
    ])
    const production = world({ DescribeTags: tagged(instance, 'env', 'production') })
    assert.deepEqual((await production.locate(terminate, ['tag:env=staging'])).places, [
      `account:${account}`,
    ])
  })

  it('does not believe an answer about another thing, of another form, or none', async () => {
    const other = 'i-0fedcba9876543210'
    for (const answers of [
      {},
      { DescribeTags: tagged(other, 'env', 'staging') },
      { DescribeTags: { status: 500, json: undefined } },
      { DescribeTags: { status: 200, json: undefined, text: '<html/>' } },
      { DescribeTags: xml('<!DOCTYPE a><DescribeTagsResponse/>') },
      {
        GetCallerIdentity: xml('<GetCallerIdentityResponse/>'),
        DescribeTags: tagged(instance, 'env', 'staging'),
      },
    ]) {
      const located = await world(answers).locate(terminate, ['tag:env=staging'])
      assert.equal(located.unresolved.length, 1, JSON.stringify(answers))
    }
    for (const answer of [
      owned(other, account),
      xml('<DescribeInstancesResponse/>'),
      owned(instance, 'self'),
    ]) {
      const located = await world({ DescribeInstances: answer }).locate(terminate, [
        `account:${account}`,
      ])
      assert.equal(located.unresolved.length, 1)
    }
  })

  it('resolves no id of a kind that it has no question for', async () => {
    const request = form(
      'ec2',
      'DeleteTransitGatewayConnectPeer',
      'TransitGatewayConnectPeerId=tgw-connect-peer-0123456789abcdef0',
    )
    for (const bound of [`account:${account}`, 'tag:env=staging']) {
      const { unresolved } = await world({}).locate(request, [bound])
      assert.deepEqual(
        unresolved.filter(({ kind }) => kind === 'id').map(({ why }) => why),
        ['no_resolver'],
      )
    }
  })

  it('puts what two accounts share into both, and what says only one of them into neither', async () => {
    const peering = 'pcx-0123456789abcdef0'
    const request = form('ec2', 'DeleteVpcPeeringConnection', `VpcPeeringConnectionId=${peering}`)
    const answer = (inner: string) => ({
      DescribeVpcPeeringConnections: xml(
        `<DescribeVpcPeeringConnectionsResponse><vpcPeeringConnectionSet><item><vpcPeeringConnectionId>${peering}</vpcPeeringConnectionId><accepterVpcInfo><ownerId>222222222222</ownerId></accepterVpcInfo>${inner}</item></vpcPeeringConnectionSet></DescribeVpcPeeringConnectionsResponse>`,
      ),
    })
    const both = world(answer(`<requesterVpcInfo><ownerId>${account}</ownerId></requesterVpcInfo>`))
    assert.deepEqual((await both.locate(request, [`account:${account}`])).places.toSorted(), [
      `account:${account}`,
      'account:222222222222',
    ])
    const one = await world(answer('')).locate(request, [`account:${account}`])
    assert.deepEqual(one.unresolved, [{ kind: 'id', id: peering, why: 'view_incomplete' }])
  })

  it('finds an association in the one thing that has it', async () => {
    const association = 'rtbassoc-0123456789abcdef0'
    const request = form('ec2', 'DisassociateRouteTable', `AssociationId=${association}`)
    const table = (...ids: readonly string[]) =>
      `<item><ownerId>${account}</ownerId><associationSet>${ids.map((id) => `<item><routeTableAssociationId>${id}</routeTableAssociationId></item>`).join('')}</associationSet></item>`
    const answer = (...tables: readonly string[]) =>
      world({
        DescribeRouteTables: xml(
          `<DescribeRouteTablesResponse><routeTableSet>${tables.join('')}</routeTableSet></DescribeRouteTablesResponse>`,
        ),
      }).locate(request, [`account:${account}`])
    const other = 'rtbassoc-0fedcba9876543210'
    assert.deepEqual(await answer(table(other, association)), {
      places: [`account:${account}`],
      unresolved: [],
    })
    for (const tables of [[], [table(other)], [table(association), table(other)]])
      assert.equal((await answer(...tables)).unresolved.length, 1, JSON.stringify(tables))
  })

  it('takes prefix lists of Amazon’s own for nobody’s', async () => {
    const list = 'pl-0123456789abcdef0'
    const request = form(
      'ec2',
      'CreateRoute',
      `RouteTableId=rtb-0123456789abcdef0&DestinationPrefixListId=${list}`,
    )
    const { locate } = world({
      DescribeManagedPrefixLists: xml(
        `<DescribeManagedPrefixListsResponse><prefixListSet><item><prefixListId>${list}</prefixListId><ownerId>AWS</ownerId></item></prefixListSet></DescribeManagedPrefixListsResponse>`,
      ),
      DescribeRouteTables: xml(
        `<DescribeRouteTablesResponse><routeTableSet><item><routeTableId>rtb-0123456789abcdef0</routeTableId><ownerId>${account}</ownerId></item></routeTableSet></DescribeRouteTablesResponse>`,
      ),
    })
    assert.deepEqual(await locate(request, [`account:${account}`]), {
      places: [`account:${account}`],
      unresolved: [],
    })
  })

  it('asks whose the credential is with the one that acts, and never keeps that for another', async () => {
    const { locate, askedBy } = world({ DescribeInstances: owned(instance, account) })
    await locate(terminate, [`account:${account}`])
    assert.deepEqual(askedBy, ['acting', undefined])
    let questions = 0
    const ask: Ask = () => {
      questions++
      return Promise.resolve(identity)
    }
    const twice = awsLocate(() => 0)
    const { invocation } = identified(form('ec2', 'DescribeInstances'))
    const context = { ask, fresh: false, cacheKey: 'lookups:1', bound: new Set<string>() }
    for (const actingKey of ['a:1', 'a:1', 'b:1', 'a:2'])
      await twice(invocation, { ...context, actingKey })
    assert.equal(questions, 3)
    await twice(invocation, context)
    await twice(invocation, context)
    assert.equal(questions, 5)
  })

  it('asks again for what must be fresh, and once where it need not be', async () => {
    const { locate, asked } = world({ DescribeInstances: owned(instance, account) })
    const bound = [`account:${account}`]
    await locate(terminate, bound, false)
    await locate(terminate, bound, false)
    assert.equal(asked.length, 2)
    await locate(terminate, bound, true)
    assert.equal(asked.length, 4)
  })

  it('takes a bucket for its account’s own only where S3 says so', async () => {
    const put = s3('PUT', '/acme-a/k', {}, 'x')
    const bound = [`account:${account}`]
    const own = world({ '/acme-a': { status: 200, json: undefined } })
    assert.deepEqual((await own.locate(put, bound)).places, [`account:${account}`])
    assert.equal(own.asked.at(-1)?.headers['x-amz-expected-bucket-owner'], account)
    for (const status of [301, 403, 404, 500]) {
      const { unresolved } = await world({ '/acme-a': { status, json: undefined } }).locate(
        put,
        bound,
      )
      assert.equal(unresolved.length, 1, String(status))
    }
    const bucket = world({})
    assert.deepEqual((await bucket.locate(put, ['bucket:acme-a'])).places, ['bucket:acme-a'])
    assert.deepEqual((await bucket.locate(put, ['bucket:acme-b'])).places, [`account:${account}`])
  })

  it('puts tables where their name or ARN says', async () => {
    const { locate } = world({})
    const bound = [`table:${account}/eu-west-1/orders`]
    const get = (TableName: string) => locate(dynamo('GetItem', { TableName, Key: {} }), bound)
    assert.deepEqual((await get('orders')).places, bound)
    assert.deepEqual(
      (await get(`arn:aws:dynamodb:eu-west-1:${account}:table/orders`)).places,
      bound,
    )
    assert.deepEqual((await get('orders-prod')).places, [`account:${account}`])
    assert.deepEqual((await get('arn:aws:dynamodb:eu-west-1:222222222222:table/orders')).places, [
      'account:222222222222',
    ])
    assert.deepEqual((await get(`arn:aws:dynamodb:us-east-1:${account}:table/orders`)).places, [
      `account:${account}`,
    ])
    for (const name of [
      'arn:aws-cn:dynamodb:cn-north-1:111111111111:table/orders',
      'arn:aws:dynamodb:eu-west-1:111111111111:table/*',
      'a b',
    ])
      assert.equal((await get(name)).unresolved.length, 1, name)
  })

  it('puts ARNs of roles and policies into their accounts, and those of buckets into the buckets', async () => {
    const { locate } = world({})
    const policy = (arn: string) =>
      locate(form('iam', 'AttachRolePolicy', `RoleName=r&PolicyArn=${encodeURIComponent(arn)}`), [])
    assert.deepEqual((await policy('arn:aws:iam::222222222222:policy/p')).places, [
      `account:${account}`,
      'account:222222222222',
    ])
    assert.deepEqual((await policy('arn:aws:iam::aws:policy/ReadOnlyAccess')).places, [
      `account:${account}`,
    ])
    const inventory = s3(
      'PUT',
      '/acme-a?replication',
      {},
      '<ReplicationConfiguration><Role>arn:aws:iam::111111111111:role/r</Role><Rule><Status>Enabled</Status><Destination><Bucket>arn:aws:s3:::evil-bucket</Bucket></Destination></Rule></ReplicationConfiguration>',
    )
    const { places } = await locate(inventory, ['bucket:acme-a', `account:${account}`])
    assert.ok(!places.includes('bucket:evil-bucket'))
    const { unresolved } = await locate(inventory, ['bucket:acme-a', `account:${account}`])
    assert.deepEqual(
      unresolved.map(({ id }) => id),
      ['arn:aws:s3:::evil-bucket'],
    )
  })

  it('counts regions where regions are bound, and IAM and the list of buckets as of all', async () => {
    const { locate } = world({})
    const bound = [`account:${account}`, 'region:eu-west-1']
    assert.ok(
      (await locate(form('ec2', 'DescribeInstances'), bound)).places.includes('region:eu-west-1'),
    )
    assert.ok((await locate(form('iam', 'ListUsers'), bound)).places.includes('region:global'))
    assert.ok((await locate(s3('GET', '/'), bound)).places.includes('region:global'))
    const remote = dynamo('GetItem', {
      TableName: `arn:aws:dynamodb:us-east-1:${account}:table/orders`,
      Key: {},
    })
    assert.ok((await locate(remote, bound)).places.includes('region:us-east-1'))
  })

  it('asks no more questions than a request may cost', async () => {
    const fields = Array.from(
      { length: 40 },
      (_, i) => `InstanceId.${i + 1}=i-${i.toString(16).padStart(17, '0')}`,
    )
    const { locate, asked } = world({
      DescribeTags: xml('<DescribeTagsResponse><tagSet/></DescribeTagsResponse>'),
    })
    const { unresolved } = await locate(form('ec2', 'TerminateInstances', fields.join('&')), [
      'tag:env=staging',
    ])
    assert.equal(asked.length, 20)
    assert.ok(unresolved.every(({ why }) => why === 'too_many') && unresolved.length > 0)
  })
})

/**
 * What the broker itself sends, of providers whose requests say by a header that does not leave what they are: read again
 * from what was parked, it is the same request, and leaves once.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { openRequest } from '../../src/approval/sealed.ts'
import { listApprovals } from '../../src/approval/store.ts'
import { createRowSealer } from '../../src/vault/row-sealer.ts'
import { openApprover } from '../support/approver.ts'
import { startAwsStandIn } from '../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { ownedBy } from '../support/gated.ts'
import { startKubernetesStandIn } from '../support/kubernetes-stand-in.ts'
import { until } from '../support/until.ts'
import { answerOf, grantOn, type Answer, type Granted, type GrantWish } from '../support/world.ts'
import { authorization } from '../provider/aws/request.ts'

type World = {
  readonly broker: TestBroker
  readonly granted: Granted
  /** Lets the person approve what waits, and returns once the broker has sent it. */
  readonly approveAll: () => Promise<readonly string[]>
}

async function world(t: TestContext, origin: string, wish: GrantWish): Promise<World> {
  const broker = await openTestBroker(t, { upstreams: { [wish.provider]: origin } })
  const granted = await grantOn(broker, {
    ...wish,
    grant: { approval: 'always', approval_terms: { execute: 'broker' }, ...wish.grant },
  })
  const approver = await openApprover(broker)
  await ownedBy(broker, granted, approver)
  return {
    broker,
    granted,
    async approveAll() {
      const path = `/v1/approvals?agent=${granted.agentId}&state=pending`
      const { items } = await broker.api<{ items: { id: string }[] }>('GET', path)
      for (const { id } of items) await approver.approve(id)
      return Promise.all(
        items.map(({ id }) =>
          until(`${id} is over`, async () => {
            const { state, cancel_reason } = await broker.api<{
              state: string
              cancel_reason: string | null
            }>('GET', `/v1/approvals/${id}`)
            if (state === 'approved' || state === 'sending') return undefined
            return cancel_reason ?? state
          }),
        ),
      )
    },
  }
}

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}

test('AWS: an instance is terminated, an object put and a table written, once each', async (t) => {
  const account = '111111111111'
  const instance = 'i-0123456789abcdef0'
  const aws = await startAwsStandIn(keys, {
    account,
    buckets: { 'acme-staging': account },
    instances: { [instance]: { owner: account, tags: { env: 'staging' } } },
  })
  t.after(() => aws.close())
  const { broker, granted, approveAll } = await world(t, aws.origin, {
    provider: 'aws',
    bindings: [
      ['bucket', 'acme-staging'],
      ['tag', 'env=staging'],
      ['account', account],
      ['region', 'eu-west-1'],
      ['table', `${account}/eu-west-1/orders`],
    ].map(([kind = '', id = '']) => ({ provider: 'aws', kind, id })),
    secret: JSON.stringify(keys),
    grant: { verbs: ['read', 'write', 'ec2/TerminateInstances', 'dynamodb/PutItem'] },
  })
  const capability = await granted.token()
  const config = {
    endpoint: `${broker.url}/proxy/aws`,
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIDAGENT', secretAccessKey: 'none', sessionToken: capability },
  }
  const ec2 = new EC2Client(config)
  const s3 = new S3Client({ ...config, forcePathStyle: true })
  const put = { Bucket: 'acme-staging', Key: 'a b.txt', Body: 'hello', Metadata: { k: 'v' } }
  const table = async (): Promise<Answer> =>
    answerOf(
      await fetch(`${broker.url}/proxy/aws/`, {
        method: 'POST',
        headers: {
          authorization: authorization('dynamodb'),
          'x-amz-security-token': capability,
          'x-amz-target': 'DynamoDB_20120810.PutItem',
          'content-type': 'application/x-amz-json-1.0',
        },
        body: JSON.stringify({ TableName: 'orders', Item: { id: { S: '1' } } }),
      }),
    )
  const all = () =>
    Promise.allSettled([
      ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance] })),
      s3.send(new PutObjectCommand(put)),
      table(),
    ])
  await all()
  await t.test(
    'of what the agent sent, no capability and no signature is parked with it',
    async () => {
      const { db, vault } = broker.broker
      const parked = await listApprovals(db, { limit: 10, after: '' })
      assert.equal(parked.length, 3)
      for (const approval of parked) {
        const request = await openRequest(db, createRowSealer(vault), approval)
        const text = JSON.stringify({ ...request, body: request?.body?.toString() })
        assert.match(text, /eu-west-1/)
        assert.ok(!text.includes(capability) && !text.includes('AKIDAGENT'), text)
        assert.doesNotMatch(text, /Signature=(?!0{64})/)
      }
    },
  )
  assert.deepEqual(await approveAll(), ['done', 'done', 'done'])
  const sent = () => [
    aws.terminated.length,
    aws.requests.filter(({ method }) => method === 'PUT').length,
    aws.requests.filter(({ action }) => action === 'PutItem').length,
  ]
  assert.deepEqual(sent(), [1, 1, 1])
  assert.equal(String(aws.objects.get('acme-staging/a b.txt')), 'hello')
  // Sent again, each is answered with what was kept.
  assert.deepEqual(
    (await all()).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(sent(), [1, 1, 1])
})

test('Kubernetes: a pod is deleted, a deployment scaled and a configmap applied, once each', async (t) => {
  const cluster = await startKubernetesStandIn('cluster-token')
  t.after(() => cluster.close())
  const { broker, granted, approveAll } = await world(t, cluster.origin, {
    provider: 'kubernetes',
    bindings: [{ provider: 'kubernetes', kind: 'namespace', id: 'staging' }],
    secret: 'cluster-token',
    grant: {
      verbs: ['read', 'write', 'core.v1.pods/delete', 'apps.v1.deployments.scale/patch'],
    },
  })
  const token = await granted.token()
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  const send = async (method: string, path: string, type: string, body: string) =>
    answerOf(
      await fetch(`${broker.url}/proxy/kubernetes${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          accept: table,
          'user-agent': 'kubectl/v1.33.0',
          'content-type': type,
        },
        body,
      }),
    )
  const namespace = '/api/v1/namespaces/staging'
  const scale = '/apis/apps/v1/namespaces/staging/deployments/web/scale'
  const configmap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: {} }
  const all = () =>
    Promise.all([
      send(
        'DELETE',
        `${namespace}/pods/web-1`,
        'application/json',
        '{"propagationPolicy":"Background"}',
      ),
      send('PATCH', scale, 'application/merge-patch+json', '{"spec":{"replicas":3}}'),
      send(
        'POST',
        `${namespace}/configmaps?fieldManager=kubectl`,
        'application/json',
        JSON.stringify(configmap),
      ),
    ])
  for (const { status, text } of await all())
    assert.match(`${String(status)} ${text}`, /^403 .*approval_required/)
  assert.deepEqual(await approveAll(), ['done', 'done', 'done'])
  const sent = () => cluster.requests.filter(({ line }) => !line.startsWith('GET')).length
  assert.equal(sent(), 3)
  for (const { status, text } of await all()) assert.ok(status < 300, text)
  assert.equal(sent(), 3)
})

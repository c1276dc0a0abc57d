/** The capability comes as the session token and nowhere else; nothing that reaches AWS is the agent's own. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { request as httpRequest } from 'node:http'
import { startAwsStandIn, type AwsStandIn } from '../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../support/broker.ts'
import { grantOn } from '../support/world.ts'
import { authorization } from '../provider/aws/request.ts'

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}
const account = '111111111111'
let aws: AwsStandIn
let broker: TestBroker
let token: string

before(async () => {
  aws = await startAwsStandIn(keys, { account, buckets: { 'acme-a': account }, instances: {} })
  aws.objects.set(
    'acme-a/leak',
    Buffer.from(`{"id":"${keys.accessKeyId}","key":"${keys.secretAccessKey}"}`),
  )
  broker = await openTestBroker(undefined, { upstreams: { aws: aws.origin } })
  const granted = await grantOn(broker, {
    provider: 'aws',
    bindings: [{ provider: 'aws', kind: 'bucket', id: 'acme-a' }],
    secret: JSON.stringify(keys),
    grant: { verbs: ['read'] },
  })
  token = await granted.token()
})
after(async () => {
  await broker.close()
  await aws.close()
})

type Sent = { readonly status: number; readonly text: string }

/** `headers`: names and values in turn, as they go out. */
function send(target: string, headers: readonly string[]): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const url = new URL(broker.url)
    const outgoing = httpRequest(
      {
        host: url.hostname,
        port: url.port,
        path: `/proxy/aws${target}`,
        headers: ['host', url.host, 'connection', 'close', ...headers],
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}

const signed = ['authorization', authorization('s3')]
const carried = (capability: string) => ['x-amz-security-token', capability]

it('refuses a capability that comes twice, elsewhere, or not at all, before anything leaves', async () => {
  // The broker asked whose the key pair is when it was stored.
  const { length } = aws.requests
  for (const [target, headers, status] of [
    ['/acme-a/k', signed, 401],
    ['/acme-a/k', ['authorization', `Bearer ${token}`], 401],
    [`/acme-a/k?X-Amz-Security-Token=${token}`, signed, 401],
    ['/acme-a/k', [...signed, ...carried(`Bearer ${token}`)], 401],
    ['/acme-a/k', [...signed, ...carried(token), ...carried(token)], 400],
    ['/acme-a/k', [...signed, ...carried(token), ...signed], 400],
    ['/acme-a/k', [...carried(token), 'authorization', `Bearer ${token}`], 400],
    ['/acme-a/k', [...signed, ...carried(token), 'X_Amz_Security_Token', token], 400],
    [`/acme-a/k?X-Amz-Security-Token=${token}`, [...signed, ...carried(token)], 400],
  ] as const) {
    assert.equal((await send(target, headers)).status, status, JSON.stringify([target, headers]))
  }
  assert.equal(aws.requests.length, length)
})

it('signs with its own key pair, and takes that out of the answer', async () => {
  const answer = await send('/acme-a/leak', [...signed, ...carried(token), 'x-custom', 'agent'])
  assert.deepEqual(answer, { status: 200, text: '{"id":"[redacted]","key":"[redacted]"}' })
  const request = aws.requests.at(-1)
  assert.equal(request?.signed, true)
  assert.deepEqual(Object.keys(request?.headers ?? {}).toSorted(), [
    'accept-encoding',
    'authorization',
    'connection',
    'host',
    'user-agent',
    'x-amz-content-sha256',
    'x-amz-date',
  ])
  assert.ok(!JSON.stringify(request).includes(token))
})

/** A refusal, as the SDK's own clients show it to a person, and in the forms of those that are not installed here. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DescribeInstancesCommand, EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2'
import { DeleteObjectCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { problemBody, problems, type ProblemCode } from '../../../src/problem.ts'
import { awsRefusal } from '../../../src/provider/aws/refusal.ts'
import { startAwsStandIn, type AwsStandIn } from '../../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { answerOf, grantOn } from '../../support/world.ts'
import { authorization } from './request.ts'

describe('the forms of AWS’s services', () => {
  const problem = problemBody(
    'verb_missing',
    {
      detail:
        'ask for access for a time (POST /v1/access-requests), or ask an admin for the verb x in acme/staging',
      members: { missing_verbs: ['x'], ask: 'admin' },
    },
    'req_1',
  )
  const told =
    '<Code>Valetkey.verb_missing</Code>' +
    '<Message>ask for access for a time (POST /v1/access-requests), or ask an admin for the verb x in acme/staging</Message>' +
    `<Problem>${JSON.stringify(problem)}</Problem>`
  const as = (service: string, body = problem) =>
    awsRefusal(body, { authorization: authorization(service) })
  const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'

  it('are EC2’s, of the query protocol, S3’s and AWS JSON', () => {
    assert.deepEqual(as('ec2'), {
      contentType: 'text/xml;charset=UTF-8',
      body: `${declaration}<Response><Errors><Error>${told}</Error></Errors><RequestID>req_1</RequestID></Response>`,
    })
    for (const service of ['iam', 'sts', 'rds'])
      assert.deepEqual(as(service), {
        contentType: 'text/xml;charset=UTF-8',
        body: `${declaration}<ErrorResponse><Error><Type>Sender</Type>${told}</Error><RequestId>req_1</RequestId></ErrorResponse>`,
      })
    assert.deepEqual(as('s3'), {
      contentType: 'application/xml',
      body: `${declaration}<Error>${told}<RequestId>req_1</RequestId></Error>`,
    })
    const json = as('dynamodb')
    assert.equal(json?.contentType, 'application/x-amz-json-1.0')
    assert.deepEqual(JSON.parse(json.body), {
      __type: 'Valetkey.verb_missing',
      message:
        'ask for access for a time (POST /v1/access-requests), or ask an admin for the verb x in acme/staging',
      problem,
    })
  })

  it('say whose fault it is, where the form has a place for that', () => {
    const body = problemBody('upstream_timeout', { detail: 'late' }, 'req_1')
    assert.match(as('iam', body)?.body ?? '', /<Type>Receiver<\/Type>/)
  })

  it('have a code that clients try again only where a wait can mend it', () => {
    const codes = (Object.keys(problems) as ProblemCode[]).map((code) => [
      code,
      /<Code>(.*)<\/Code>/.exec(as('s3', problemBody(code, { detail: '' }, 'r'))?.body ?? '')?.[1],
    ])
    const { rate_limited, unavailable, ...others } = Object.fromEntries(codes) as Record<
      string,
      string
    >
    assert.deepEqual([rate_limited, unavailable], ['Throttling', 'ServiceUnavailable'])
    for (const [code, shown] of Object.entries(others)) assert.equal(shown, `Valetkey.${code}`)
  })

  it('are none where the signature does not say which service is meant', () => {
    for (const headers of [
      {},
      { authorization: 'Bearer x' },
      { authorization: authorization('lambda') },
    ])
      assert.equal(awsRefusal(problem, headers), undefined)
  })
})

describe('through a broker', () => {
  const keys = {
    accessKeyId: 'AKIASTANDINKEYPAIR01',
    secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
  }
  const account = '111111111111'
  const instance = 'i-0123456789abcdef0'
  let aws: AwsStandIn
  let broker: TestBroker
  let token: string

  before(async () => {
    aws = await startAwsStandIn(keys, {
      account,
      buckets: { 'acme-a': account, 'acme-b': account },
      instances: { [instance]: { owner: account } },
    })
    broker = await openTestBroker(undefined, { upstreams: { aws: aws.origin } })
    token = await tokenFor('acme/staging', {})
  })
  after(async () => {
    await broker.close()
    await aws.close()
  })

  async function tokenFor(environment: string, grant: Record<string, unknown>): Promise<string> {
    const bindings = [{ provider: 'aws', kind: 'bucket', id: 'acme-a' }]
    const granted = await grantOn(broker, {
      provider: 'aws',
      environment,
      bindings,
      secret: JSON.stringify(keys),
      grant: { verbs: ['read'], ...grant },
    })
    return granted.token()
  }

  /** As an agent has it, with the SDK's own retries. */
  const config = (sessionToken: string) => ({
    endpoint: `${broker.url}/proxy/aws`,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'AKIDAGENT', secretAccessKey: 'not-a-secret', sessionToken },
  })

  type Shown = {
    readonly name: string
    readonly message: string
    readonly $metadata: { readonly httpStatusCode?: number; readonly attempts?: number }
    /** What the clients hand on of an error's further elements. */
    readonly Problem?: string
  }

  /** Requests that reached AWS and are none of the broker's own look-ups. */
  const acts = () =>
    aws.requests.filter(({ method, action }) => method !== 'HEAD' && action !== 'GetCallerIdentity')
      .length

  async function shown(promise: Promise<unknown>): Promise<Shown> {
    const before = acts()
    try {
      await promise
    } catch (error) {
      assert.equal(acts(), before, 'it reached AWS')
      return error as Shown
    }
    throw new Error('it was allowed')
  }

  const line = ({ name, message, $metadata }: Shown) =>
    `${String($metadata.httpStatusCode)} ${name}: ${message} (attempts: ${String($metadata.attempts)})`

  it('client-s3 shows what is missing and whom to ask, and does not try again', async () => {
    const s3 = new S3Client({ ...config(token), forcePathStyle: true })
    const error = await shown(s3.send(new DeleteObjectCommand({ Bucket: 'acme-a', Key: 'k' })))
    assert.equal(
      line(error),
      '403 Valetkey.verb_missing: the grant does not cover s3/DeleteObject: ask for access for a time (POST /v1/access-requests), or ask an admin for the verb s3/DeleteObject in acme/staging (attempts: 1)',
    )
    const { missing_verbs, ask, code } = JSON.parse(error.Problem ?? '') as Record<string, unknown>
    assert.deepEqual([code, missing_verbs, ask], ['verb_missing', ['s3/DeleteObject'], 'admin'])
    assert.equal(
      line(await shown(s3.send(new GetObjectCommand({ Bucket: 'acme-b', Key: 'k' })))),
      '403 Valetkey.environment_outside: s3/GetObject touches something outside acme/staging (attempts: 1)',
    )
  })

  it('client-ec2 shows it too', async () => {
    const ec2 = new EC2Client(config(token))
    const error = await shown(ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance] })))
    assert.equal(
      line(error),
      '403 Valetkey.verb_missing: the grant does not cover ec2/TerminateInstances: ask for access for a time (POST /v1/access-requests), or ask an admin for the verb ec2/TerminateInstances in acme/staging (attempts: 1)',
    )
    assert.equal((JSON.parse(error.Problem ?? '') as Shown & { code: string }).code, 'verb_missing')
  })

  it('a capability that is not one is refused in the same form, and not tried again', async () => {
    const ec2 = new EC2Client(config('not-a-capability'))
    const error = await shown(ec2.send(new DescribeInstancesCommand({})))
    assert.match(line(error), /^401 Valetkey\.capability_invalid: .*\(attempts: 1\)$/)
  })

  it('a grant’s limit is the throttling that clients know', async () => {
    const limited = await tokenFor('acme/limited', { requests_per_minute: 1 })
    const ec2 = new EC2Client({ ...config(limited), maxAttempts: 1 })
    for (let i = 0; i < 2; i++) {
      const error = await shown(ec2.send(new DescribeInstancesCommand({})))
      if (i === 1)
        assert.equal(
          line(error),
          '429 Throttling: the grant allows 1 requests a minute (attempts: 1)',
        )
    }
  })

  it('the answer keeps its header, and stays a problem where no service can be told', async () => {
    const send = async (signature: string | undefined, action = 'CreateUser') =>
      answerOf(
        await fetch(`${broker.url}/proxy/aws/`, {
          method: 'POST',
          headers: {
            'x-amz-security-token': token,
            'content-type': 'application/x-www-form-urlencoded',
            ...(signature === undefined ? {} : { authorization: signature }),
          },
          body: new URLSearchParams({ Action: action, Version: '2010-05-08', UserName: 'x' }),
        }),
      )
    const signed = await send(authorization('iam'))
    assert.equal(signed.headers.get('valetkey-decision'), 'deny')
    assert.equal(signed.headers.get('content-type'), 'text/xml;charset=UTF-8')
    assert.match(signed.text, /^<\?xml.*\n<ErrorResponse><Error><Type>Sender<\/Type><Code>Valetkey/)
    const hostile = await send(authorization('iam'), '</Message><Code>Throttling</Code>')
    assert.match(hostile.text, /&lt;\/Message&gt;&lt;Code&gt;Throttling/)
    assert.equal(hostile.text.split('<Code>').length, 2)
    const unsigned = await send(undefined)
    assert.equal(unsigned.headers.get('valetkey-decision'), 'deny')
    assert.equal(unsigned.headers.get('content-type'), 'application/problem+json')
    assert.equal(unsigned.json['code'], 'not_understood')
  })
})

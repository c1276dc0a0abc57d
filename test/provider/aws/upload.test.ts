/** Uploads as the SDK sends them by default, and what of AWS lies beyond one account and partition, through a whole broker. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import {
  DeleteVpcPeeringConnectionCommand,
  EC2Client,
  DeleteTransitGatewayConnectPeerCommand,
} from '@aws-sdk/client-ec2'
import { PutObjectCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3'
import { checksum } from '../../../src/provider/aws/checksum.ts'
import { startAwsStandIn, type AwsStandIn } from '../../support/aws-stand-in.ts'
import { openTestBroker, type TestBroker } from '../../support/broker.ts'
import { grantOn } from '../../support/world.ts'
import { signedChunks } from './chunks.ts'
import { authorization } from './request.ts'

const keys = {
  accessKeyId: 'AKIASTANDINKEYPAIR01',
  secretAccessKey: 'c3RhbmQtaW4tc2VjcmV0LWtleS1vZi10aGUtdGVzdHM=',
}
const account = '111111111111'
const Bucket = 'acme-staging'
const ours = 'pcx-0123456789abcdef0'
const peering = (requester: string) =>
  `<vpcPeeringConnectionSet><item><vpcPeeringConnectionId>${ours}</vpcPeeringConnectionId><accepterVpcInfo><ownerId>${account}</ownerId></accepterVpcInfo><requesterVpcInfo><ownerId>${requester}</ownerId></requesterVpcInfo></item></vpcPeeringConnectionSet>`
const answers: Record<string, string> = {}

let aws: AwsStandIn
let broker: TestBroker

before(async () => {
  aws = await startAwsStandIn(keys, {
    account,
    buckets: { [Bucket]: account },
    instances: {},
    answers,
  })
  broker = await openTestBroker(undefined, { upstreams: { aws: aws.origin } })
})
after(async () => {
  await broker.close()
  await aws.close()
})

async function tokenOn(
  bindings: readonly (readonly [kind: string, id: string])[],
  verbs: readonly string[],
): Promise<string> {
  const granted = await grantOn(broker, {
    provider: 'aws',
    bindings: bindings.map(([kind, id]) => ({ provider: 'aws', kind, id })),
    secret: JSON.stringify(keys),
    grant: { verbs, approval: 'never' },
  })
  return granted.token()
}

function configOf(sessionToken: string, region = 'eu-west-1') {
  return {
    endpoint: `${broker.url}/proxy/aws`,
    region,
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKIDAGENT', secretAccessKey: 'not-a-secret', sessionToken },
  }
}

type Sent = Readonly<Record<string, string>>

/** A client, and the fields of what it sent to the broker. */
async function uploader(
  region?: string,
  bindings: readonly (readonly [string, string])[] = [['bucket', Bucket]],
) {
  const token = await tokenOn(bindings, ['write'])
  const client = new S3Client({ ...configOf(token, region), forcePathStyle: true })
  const sent: Sent[] = []
  client.middlewareStack.add(
    (next) => (args) => {
      sent.push({ ...(args.request as { headers: Sent }).headers })
      return next(args)
    },
    { step: 'finalizeRequest', priority: 'low' },
  )
  return { client, sent, token }
}

function lastUpload() {
  const upload = aws.requests.findLast(({ method }) => method === 'PUT')
  assert.ok(upload?.signed === true)
  assert.ok(!JSON.stringify(upload.headers).includes('chunked'))
  assert.equal(upload.headers['x-amz-trailer'], undefined)
  assert.equal(upload.headers['x-amz-decoded-content-length'], undefined)
  const sum = createHash('sha256').update(upload.body).digest('hex')
  assert.equal(upload.headers['x-amz-content-sha256'], sum)
  return upload
}

const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 251))
const pieces = [large.subarray(0, 1), large.subarray(1, 70_000), large.subarray(70_000)]

describe('an upload of @aws-sdk/client-s3', () => {
  it('of a stream, which it sends in chunks, arrives as the bytes with their sum', async () => {
    const { client, sent } = await uploader()
    for (const algorithm of [undefined, 'CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const) {
      await client.send(
        new PutObjectCommand({
          Bucket,
          Key: `stream-${algorithm ?? 'default'}`,
          Body: Readable.from(pieces),
          ContentLength: large.length,
          ContentEncoding: 'br',
          ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm }),
        }),
      )
      assert.match(sent.at(-1)?.['content-encoding'] ?? '', /aws-chunked/)
      assert.match(sent.at(-1)?.['x-amz-content-sha256'] ?? '', /^STREAMING-/)
      const { body, headers } = lastUpload()
      assert.deepEqual(body, large)
      assert.equal(headers['content-encoding'], 'br')
      const name =
        algorithm === undefined || algorithm === 'CRC32' ? 'crc32' : algorithm.toLowerCase()
      assert.equal(headers[`x-amz-checksum-${name}`], checksum(name as 'crc32', large))
    }
  })

  it('of bytes, a text, and nothing, arrives as they are', async () => {
    const { client } = await uploader()
    for (const Body of [large, Buffer.alloc(0), 'text']) {
      await client.send(new PutObjectCommand({ Bucket, Key: 'bytes', Body }))
      const { body, headers } = lastUpload()
      assert.deepEqual(body, Buffer.from(Body))
      assert.equal(headers['x-amz-checksum-crc32'], checksum('crc32', body))
    }
    const empty = Readable.from([])
    await client.send(new PutObjectCommand({ Bucket, Key: 'none', Body: empty, ContentLength: 0 }))
    assert.equal(lastUpload().body.length, 0)
  })

  it('of a part of a larger object arrives too', async () => {
    const { client, sent } = await uploader()
    const part = { Bucket, Key: 'large', UploadId: 'u', PartNumber: 1 }
    const body = { Body: Readable.from(pieces), ContentLength: large.length }
    await client.send(new UploadPartCommand({ ...part, ...body }))
    assert.match(sent.at(-1)?.['content-encoding'] ?? '', /aws-chunked/)
    const upload = lastUpload()
    assert.deepEqual(upload.body, large)
    assert.match(upload.target, /partNumber=1&uploadId=u/)
  })

  it('of more than is read is refused, and nothing of it arrives', async () => {
    const { client } = await uploader()
    const before = aws.requests.length
    const most = Buffer.alloc(2 * 1024 * 1024)
    const upload = new PutObjectCommand({
      Bucket,
      Key: 'more',
      Body: Readable.from([most, most]),
      ContentLength: most.length * 2,
    })
    await assert.rejects(client.send(upload), (error: { name: string }) => {
      assert.equal(error.name, 'Valetkey.payload_too_large')
      return true
    })
    assert.equal(aws.requests.length, before)
  })
})

describe('an upload in signed chunks', () => {
  const send = async (token: string, body: Buffer, headers: Readonly<Record<string, string>>) => {
    const response = await fetch(`${broker.url}/proxy/aws/${Bucket}/signed`, {
      method: 'PUT',
      headers: {
        ...headers,
        authorization: authorization('s3'),
        'x-amz-date': '20260102T030405Z',
        'x-amz-security-token': token,
      },
      body: new Uint8Array(body),
    })
    return `${response.status} ${await response.text()}`
  }

  it('arrives as the bytes, signed anew, and not at all with a byte too many', async () => {
    const { token } = await uploader()
    for (const { body, headers } of [signedChunks(pieces), signedChunks(pieces, 'crc64nvme')]) {
      assert.match(await send(token, body, headers), /^200/)
      assert.deepEqual(lastUpload().body, large)
      const before = aws.requests.length
      const more = Buffer.concat([body, Buffer.from('x')])
      assert.match(await send(token, more, headers), /^400 .*Valetkey\.not_understood/s)
      assert.equal(aws.requests.length, before)
    }
  })
})

describe('another partition', () => {
  it('is reached where the environment names its region, and else refused', async () => {
    const { client } = await uploader('cn-north-1')
    const upload = () => new PutObjectCommand({ Bucket, Key: 'there', Body: 'x' })
    const before = aws.requests.filter(({ method }) => method === 'PUT').length
    await assert.rejects(client.send(upload()), { name: 'Valetkey.environment_outside' })
    assert.equal(aws.requests.filter(({ method }) => method === 'PUT').length, before)
    const named = await uploader('cn-north-1', [
      ['bucket', Bucket],
      ['region', 'cn-north-1'],
    ])
    await named.client.send(upload())
    const { region, body } = lastUpload()
    assert.equal(region, 'cn-north-1')
    assert.equal(body.toString(), 'x')
  })
})

describe('what EC2 shares between accounts', () => {
  it('is reached where all of them are the environment’s, and else refused', async () => {
    const token = await tokenOn([['account', account]], ['ec2/DeleteVpcPeeringConnection'])
    const ec2 = new EC2Client(configOf(token))
    const command = new DeleteVpcPeeringConnectionCommand({ VpcPeeringConnectionId: ours })
    const acted = () =>
      aws.requests.filter(({ action }) => action === 'DeleteVpcPeeringConnection').length
    for (const answer of [peering('222222222222'), '<vpcPeeringConnectionSet/>', '']) {
      answers['DescribeVpcPeeringConnections'] = answer
      await assert.rejects(ec2.send(command), { name: /^Valetkey\.environment_/ })
    }
    assert.equal(acted(), 0)
    answers['DescribeVpcPeeringConnections'] = peering(account)
    await ec2.send(command)
    assert.equal(acted(), 1)
  })

  it('is refused with a sentence that says so where nobody can be asked whose it is', async () => {
    const token = await tokenOn([['account', account]], ['ec2/DeleteTransitGatewayConnectPeer'])
    const id = 'tgw-connect-peer-0123456789abcdef0'
    const command = new DeleteTransitGatewayConnectPeerCommand({ TransitGatewayConnectPeerId: id })
    await assert.rejects(new EC2Client(configOf(token)).send(command), {
      name: 'Valetkey.environment_outside',
      message: /EC2 has no question that says whose an id tgw-connect-peer-… in this argument is/,
    })
  })
})

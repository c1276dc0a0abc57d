/**
 * AWS, as far as the tests need it: all services on one loopback origin. It computes every signature anew, with the SDK's
 * own code, and answers 403 to a wrong one, so that whatever reaches the rest was signed for exactly what arrived. Which
 * requests do is what is tested, so it answers whatever it is asked, also what the broker should never have sent.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { assumeRole, type AwsRole, type AwsSession } from './aws-role.ts'

export type AwsRequest = {
  readonly method: string
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Of the signature's scope. */
  readonly service: string
  readonly region: string
  /** The form's action, or the target's operation; empty for S3. */
  readonly action: string
  readonly signed: boolean
  /** Where a session of a role signed it. */
  readonly session?: AwsSession
}

export type AwsWorld = {
  readonly account: string
  /** Name to the account that owns it. */
  readonly buckets: Readonly<Record<string, string>>
  readonly instances: Readonly<
    Record<string, { readonly owner: string; readonly tags?: Readonly<Record<string, string>> }>
  >
  /** EC2: what stands in the answers to other actions, by their name. */
  readonly answers?: Readonly<Record<string, string>>
  /** By ARN, the roles that the key pair may assume. */
  readonly roles?: Readonly<Record<string, AwsRole>>
}

export type AwsStandIn = {
  readonly origin: string
  readonly requests: AwsRequest[]
  /** `bucket/key` to its bytes. */
  readonly objects: Map<string, Buffer>
  readonly terminated: string[]
  /** Of its roles, by access key id. */
  readonly sessions: Map<string, AwsSession>
  close(): Promise<void>
}

export type AwsKeyPair = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

type Answer = { readonly status: number; readonly body?: string | Buffer; readonly type?: string }

export async function startAwsStandIn(keys: AwsKeyPair, world: AwsWorld): Promise<AwsStandIn> {
  const requests: AwsRequest[] = []
  const objects = new Map<string, Buffer>()
  const terminated: string[] = []
  const sessions = new Map<string, AwsSession>()

  function answer(request: AwsRequest): Answer {
    if (!request.signed) return failure(403, 'SignatureDoesNotMatch')
    if (request.session !== undefined && request.session.expiresAt <= Date.now())
      return failure(403, 'ExpiredToken')
    switch (request.service) {
      case 'sts':
        if (request.action === 'AssumeRole') return assumeRole(request.body, world.roles, sessions)
        return xml(
          'GetCallerIdentityResponse',
          `<GetCallerIdentityResult><Account>${world.account}</Account></GetCallerIdentityResult>`,
        )
      case 'ec2':
        return answerEc2(request, world, terminated)
      case 's3':
        return answerS3(request, world, objects)
      case 'dynamodb':
        return { status: 200, type: 'application/x-amz-json-1.0', body: '{}' }
      default:
        return xml(`${request.action}Response`, '')
    }
  }

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming, keys, sessions)
    requests.push(request)
    const { status, body = '', type = 'application/xml' } = answer(request)
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  const server = createServer((incoming, response) => {
    void respond(incoming, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    objects,
    terminated,
    sessions,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function read(
  incoming: IncomingMessage,
  own: AwsKeyPair,
  sessions: ReadonlyMap<string, AwsSession>,
): Promise<AwsRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value)
  const { method = '', url: target = '' } = incoming
  const scope = /Credential=([^/]+)\/[0-9]{8}\/([^/]+)\/([^/]+)\//.exec(
    headers['authorization'] ?? '',
  )
  const [, id = '', region = '', service = ''] = scope ?? []
  const session = sessions.get(id)
  const action =
    new URLSearchParams(body.toString('latin1')).get('Action') ??
    headers['x-amz-target']?.split('.')[1] ??
    ''
  const request = { method, target, headers, body, service, region, action }
  const signed = await isSigned(request, session?.keys ?? own)
  return { ...request, signed, ...(session === undefined ? {} : { session }) }
}

/** Whether the signature is the one that the SDK's own signer makes for this request and these keys. */
async function isSigned(
  request: Omit<AwsRequest, 'signed' | 'session'>,
  keys: AwsKeyPair,
): Promise<boolean> {
  const { headers, method, target, body, service, region } = request
  const authorization = headers['authorization'] ?? ''
  const names = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '').split(';')
  const meaningful = Object.keys(headers).filter(
    (name) => name.startsWith('x-amz-') || name === 'host',
  )
  if (!meaningful.every((name) => names.includes(name))) return false
  const sum = createHash('sha256').update(body).digest('hex')
  if (headers['x-amz-content-sha256'] !== sum) return false
  if ((keys.sessionToken ?? undefined) !== headers['x-amz-security-token']) return false
  const stamp = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(headers['x-amz-date'] ?? '')
  if (stamp === null) return false
  const [, ...parts] = stamp
  const [year, month, day, hour, minute, second] = parts.map(Number)
  const time = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
  if (Math.abs(time - Date.now()) > 300_000) return false
  const url = new URL(target, `http://${headers['host'] ?? ''}`)
  const query: Record<string, string> = {}
  for (const [name, value] of url.searchParams) query[name] = value
  const signer = new SignatureV4({
    service,
    region,
    credentials: keys,
    sha256: Sha256,
    uriEscapePath: service !== 's3',
    applyChecksum: false,
  })
  const own = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: url.hostname,
      path: url.pathname,
      query,
      headers: Object.fromEntries(names.map((name) => [name, headers[name] ?? ''])),
      body,
    } as never,
    { signingDate: new Date(time), signableHeaders: new Set(names) },
  )
  const expected = Buffer.from(own.headers['authorization'] ?? '')
  const given = Buffer.from(authorization)
  return expected.length === given.length && timingSafeEqual(expected, given)
}

function xml(name: string, inner: string): Answer {
  return {
    status: 200,
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="http://example/">${inner}</${name}>`,
  }
}

function failure(status: number, code: string): Answer {
  return {
    status,
    body: `<Response><Errors><Error><Code>${code}</Code><Message>${code}</Message></Error></Errors></Response>`,
  }
}

function answerEc2({ action, body }: AwsRequest, world: AwsWorld, terminated: string[]): Answer {
  const form = new URLSearchParams(body.toString())
  const ids = [...form].filter(([name]) => name.startsWith('InstanceId')).map(([, id]) => id)
  const known = (id: string) =>
    Object.hasOwn(world.instances, id) ? world.instances[id] : undefined
  if (ids.some((id) => known(id) === undefined)) return failure(400, 'InvalidInstanceID.NotFound')
  switch (action) {
    case 'DescribeTags': {
      const id = form.get('Filter.1.Value.1') ?? ''
      const items = Object.entries(known(id)?.tags ?? {}).map(
        ([key, value]) =>
          `<item><resourceId>${id}</resourceId><resourceType>instance</resourceType><key>${key}</key><value>${value}</value></item>`,
      )
      return xml(
        'DescribeTagsResponse',
        `<requestId>r</requestId><tagSet>${items.join('')}</tagSet>`,
      )
    }
    case 'DescribeInstances': {
      const asked = ids.length > 0 ? ids : Object.keys(world.instances)
      const items = asked.map(
        (id) =>
          `<item><reservationId>r-1</reservationId><ownerId>${known(id)?.owner ?? ''}</ownerId><groupSet/><instancesSet><item><instanceId>${id}</instanceId></item></instancesSet></item>`,
      )
      return xml('DescribeInstancesResponse', `<reservationSet>${items.join('')}</reservationSet>`)
    }
    case 'TerminateInstances':
      terminated.push(...ids)
      return xml(
        'TerminateInstancesResponse',
        `<instancesSet>${ids.map((id) => `<item><instanceId>${id}</instanceId></item>`).join('')}</instancesSet>`,
      )
    default:
      return xml(`${action}Response`, world.answers?.[action] ?? '<return>true</return>')
  }
}

function answerS3(request: AwsRequest, world: AwsWorld, objects: Map<string, Buffer>): Answer {
  const url = new URL(request.target, 'http://s3')
  const [bucket = '', ...rest] = url.pathname.slice(1).split('/')
  const owner = world.buckets[bucket]
  if (owner === undefined) return failure(404, 'NoSuchBucket')
  const expected = request.headers['x-amz-expected-bucket-owner']
  if (expected !== undefined && expected !== owner) return failure(403, 'AccessDenied')
  const name = `${bucket}/${rest.map(decodeURIComponent).join('/')}`
  if (rest.length === 0) {
    if (request.method === 'POST') {
      for (const [, key = ''] of request.body.toString().matchAll(/<Key>([^<]*)<\/Key>/g))
        objects.delete(`${bucket}/${key}`)
      return xml('DeleteResult', '')
    }
    const keys = [...objects.keys()].filter((one) => one.startsWith(`${bucket}/`))
    const items = keys.map(
      (one) => `<Contents><Key>${one.slice(bucket.length + 1)}</Key></Contents>`,
    )
    return xml(
      'ListBucketResult',
      `<Name>${bucket}</Name><KeyCount>${keys.length}</KeyCount>${items.join('')}`,
    )
  }
  switch (request.method) {
    case 'PUT': {
      const source = request.headers['x-amz-copy-source']
      const copied = source === undefined ? undefined : objects.get(decodeURIComponent(source))
      objects.set(name, copied ?? request.body)
      return source === undefined ? { status: 200 } : xml('CopyObjectResult', '<ETag>"0"</ETag>')
    }
    case 'DELETE':
      objects.delete(name)
      return { status: 204 }
    default: {
      const found = objects.get(name)
      return found === undefined
        ? failure(404, 'NoSuchKey')
        : { status: 200, body: found, type: 'application/octet-stream' }
    }
  }
}

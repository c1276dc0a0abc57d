/** Requests as an SDK of AWS would send them, for tests of the adapter alone. */
import assert from 'node:assert/strict'
import type { Invocation } from '../../../src/core/operation.ts'
import type { Identified, ProviderRequest } from '../../../src/provider/adapter.ts'
import { identifyAws } from '../../../src/provider/aws/identify.ts'

export function authorization(service: string, region = 'eu-west-1'): string {
  return `AWS4-HMAC-SHA256 Credential=AKIDAGENT/20260102/${region}/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`
}

type Wish = Partial<Omit<ProviderRequest, 'body'>> & {
  readonly service: string
  readonly region?: string
  readonly body?: string | Buffer
}

export function awsRequest({
  service,
  region,
  body = '',
  headers,
  ...rest
}: Wish): ProviderRequest {
  return {
    method: 'POST',
    path: '/',
    query: undefined,
    ...rest,
    headers: {
      authorization: authorization(service, region),
      'x-amz-date': '20260102T030405Z',
      'x-amz-content-sha256': '0'.repeat(64),
      'x-amz-security-token': 'capability',
      ...headers,
    },
    body: Buffer.from(body),
  }
}

export const versions = {
  ec2: '2016-11-15',
  iam: '2010-05-08',
  rds: '2014-10-31',
  sts: '2011-06-15',
} as const

/** A form of the query protocols. */
export function form(service: keyof typeof versions, action: string, fields = ''): ProviderRequest {
  return awsRequest({
    service,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `Action=${action}&Version=${versions[service]}${fields === '' ? '' : `&${fields}`}`,
  })
}

export function dynamo(operation: string, body: unknown): ProviderRequest {
  return awsRequest({
    service: 'dynamodb',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export function s3(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): ProviderRequest {
  const [path = '', query] = target.split('?')
  return awsRequest({ service: 's3', method, path, query, headers, body })
}

export function identified(request: ProviderRequest): {
  readonly invocation: Invocation
  readonly request: Extract<Identified, { ok: true }>['request']
} {
  const result = identifyAws(request)
  assert.ok(result.ok, result.ok ? '' : result.refusal.detail)
  const [invocation, ...others] = result.invocations
  assert.ok(invocation !== undefined && others.length === 0)
  return { invocation, request: result.request }
}

/** The refusal's code and sentence. */
export function refused(request: ProviderRequest): string {
  const result = identifyAws(request)
  assert.ok(!result.ok, `it was understood as ${result.ok ? result.invocations[0]?.operation : ''}`)
  return `${result.refusal.code}: ${result.refusal.detail}`
}

export function namesOf({ resources }: Invocation): readonly string[] {
  return resources.filter(({ kind }) => kind !== 'scope').map(({ kind, id }) => `${kind}:${id}`)
}

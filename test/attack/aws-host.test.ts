/** Text of the agent's in the place of a service or a region must never make a host. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { identifyAws } from '../../src/provider/aws/identify.ts'
import { awsRequest, authorization, form, refused } from '../provider/aws/request.ts'

const hosts =
  /^https:\/\/(?:iam(?:\.us-gov|\.cn-north-1)?|(?:dynamodb|ec2|rds|s3|sts)\.[a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com(?:\.cn)?$/

it('refuses services and regions that are not on the list', () => {
  for (const [service, region] of [
    ['ec2', 'eu-west-1.evil.example'],
    ['ec2', 'evil.example#'],
    ['ec2', 'eu-west-1@evil'],
    ['ec2', '@evil'],
    ['ec2', 'eu-west-99'],
    ['ec2', 'EU-WEST-1'],
    ['ec2', 'eu-west-1 '],
    ['ec2', '..'],
    ['ec2', '%2e'],
    ['ec2', '__proto__'],
    ['s3.evil', 'eu-west-1'],
    ['EC2', 'eu-west-1'],
    ['lambda', 'eu-west-1'],
    ['s3express', 'eu-west-1'],
    ['__proto__', 'eu-west-1'],
    ['toString', 'eu-west-1'],
  ] as const) {
    const request = form('ec2', 'DescribeInstances')
    const headers = { ...request.headers, authorization: authorization(service, region) }
    assert.match(
      refused({ ...request, headers }),
      /^(?:operation_unknown|not_understood)/,
      `${service} ${region}`,
    )
  }
})

it('goes to a host of the list for whatever a scope says', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'ec2',
      's3',
      'iam',
      'eu-west-1',
      'us-east-1',
      'cn-north-1',
      'us-gov-west-1',
      '.',
      '/',
      '@',
      '#',
      'evil.example',
      ':443',
    ),
    fc.string({ maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const request = awsRequest({
        service: 'ec2',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: authorization('ec2').replace('eu-west-1/ec2', pieces.join('')),
        },
        body: 'Action=DescribeInstances&Version=2016-11-15',
      })
      const result = identifyAws(request)
      if (result.ok) assert.match(result.request.signing?.origin ?? '', hosts)
    }),
    { numRuns: 500 },
  )
})

it('takes no host from the request', () => {
  const request = form('ec2', 'DescribeInstances')
  const headers = { ...request.headers, host: 'evil.example', 'x-forwarded-host': 'evil.example' }
  const result = identifyAws({ ...request, headers })
  assert.ok(result.ok)
  assert.equal(result.request.signing?.origin, 'https://ec2.eu-west-1.amazonaws.com')
  assert.deepEqual(Object.keys(result.request.headers), ['content-type'])
})

it('refuses an absolute target', () => {
  assert.match(
    refused({ ...form('ec2', 'DescribeInstances'), path: 'https://evil.example/' }),
    /^not_understood/,
  )
  assert.match(
    refused(awsRequest({ service: 's3', method: 'GET', path: '//evil.example/k' })),
    /^not_understood/,
  )
})

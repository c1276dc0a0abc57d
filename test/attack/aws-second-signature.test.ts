/** A request that brings a second identity along, or a signature of another kind. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { authorization, form, identified, refused, s3 } from '../provider/aws/request.ts'

const presigned =
  'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEVIL%2F20260102%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=00'

it('refuses addresses that are signed in their query, and tokens there', () => {
  for (const query of [
    presigned,
    'X-Amz-Security-Token=evil',
    'x-amz-security-token=evil',
    'X-Amz-Signature=00',
    '%58-Amz-Signature=00',
    'versionId=1&X-Amz-Credential=evil',
    'AWSAccessKeyId=AKID&Signature=x&Expires=1',
    'X-Amz-Expires=900',
  ]) {
    assert.match(refused(s3('GET', `/acme-a/key?${query}`)), /^not_understood/, query)
    assert.match(refused({ ...form('ec2', 'DescribeInstances'), query }), /^not_understood/, query)
  }
})

it('refuses an Authorization that is no signature of version 4, or more than one', () => {
  const request = form('ec2', 'DescribeInstances')
  const good = authorization('ec2')
  for (const text of [
    'Bearer capability',
    'AWS AKID:signature',
    good.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256'),
    `${good}, ${authorization('iam')}`,
    `${good}, Credential=AKID/20260102/us-east-1/iam/aws4_request`,
    good.replace('Credential=', 'Credential=AKID/20260102/us-east-1/iam/aws4_request, Credential='),
    good.replace('/aws4_request', ''),
    good.toLowerCase(),
    '',
  ]) {
    assert.match(
      refused({ ...request, headers: { ...request.headers, authorization: text } }),
      /^not_understood/,
      text,
    )
  }
  const { authorization: _, ...none } = request.headers
  assert.match(refused({ ...request, headers: none }), /capability as its session token/)
})

it('forwards nothing of the agent’s signature', () => {
  for (const request of [form('ec2', 'DescribeInstances'), s3('GET', '/acme-a/key')]) {
    const headers = Object.keys(identified(request).request.headers)
    for (const name of [
      'authorization',
      'x-amz-security-token',
      'x-amz-date',
      'x-amz-content-sha256',
    ])
      assert.ok(!headers.includes(name), name)
  }
})

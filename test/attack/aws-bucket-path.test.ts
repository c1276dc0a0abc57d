/** A path of S3 that names one bucket or key to the policy and another to S3. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { identified, namesOf, refused, s3 } from '../provider/aws/request.ts'

it('refuses buckets that are paths, hosts, addresses or aliases of other buckets', () => {
  for (const bucket of [
    '..',
    '.',
    'acme..a',
    '.acme',
    'acme.',
    'acme-.a',
    'Acme',
    'acme_a',
    'ac',
    '127.0.0.1',
    'acme%2Fprod',
    'acme%252Fprod',
    'acme%3Fversions',
    'acme%00',
    'acme@evil.example',
    'acme:80',
    '*',
    'a'.repeat(64),
    'arn:aws:s3:eu-west-1:111111111111:accesspoint%2Fx',
    'point-abc123-s3alias',
    'lambda-abc--ol-s3',
    'acme--euw1-az1--x-s3',
    'mfzwi23gnjvgw.mrap',
  ]) {
    assert.match(refused(s3('GET', `/${bucket}/key`)), /^not_understood/, bucket)
    assert.match(
      refused(s3('PUT', '/acme-a/key', { 'x-amz-copy-source': `${bucket}/key` })),
      /^not_understood/,
      bucket,
    )
  }
  assert.equal(
    identified(s3('GET', '/acme.a-1.example/key')).invocation.arguments['Bucket'],
    'acme.a-1.example',
  )
})

it('refuses keys that climb, and sends the others encoded once', () => {
  for (const key of [
    '..',
    '../acme-prod/k',
    'a/../../acme-prod/k',
    '%2e%2e/acme-prod/k',
    'a/%2E%2E/b',
    'a/./b',
    'a//b',
    '/b',
    'a/..%2fb',
    'a%5c..%5cb',
    'a%252e',
    '..;/k',
  ]) {
    assert.match(refused(s3('DELETE', `/acme-a/${key}`)), /^not_understood/, key)
  }
  const { request, invocation } = identified(s3('DELETE', '/acme-a/a%2Fb+c%20d'))
  assert.equal(invocation.arguments['Key'], 'a/b+c d')
  assert.equal(request.target, '/acme-a/a/b%2Bc%20d')
})

it('reads the source of a copy as strictly as the path', () => {
  for (const source of [
    'acme-a',
    'acme-a/',
    '/acme-a/../acme-prod/k',
    'acme-a/k?versionId=1&x=2',
    'acme-a/k?versionid=1',
    'acme-a/k?versionId=1?versionId=2',
    'https://acme-prod.s3.amazonaws.com/k',
    'acme-a/k, acme-prod/k',
    'arn:aws:s3:eu-west-1:111111111111:accesspoint/x/object/k',
    'acme-a%2Fk',
    '',
  ]) {
    assert.match(
      refused(s3('PUT', '/acme-a/key', { 'x-amz-copy-source': source })),
      /^(?:not_understood|operation_unknown)/,
      source,
    )
  }
  const encoded = identified(s3('PUT', '/acme-a/key', { 'x-amz-copy-source': '/acme-prod/a%2Fb' }))
  assert.equal(encoded.request.headers['x-amz-copy-source'], 'acme-prod/a/b')
  assert.ok(namesOf(encoded.invocation).includes('bucket:acme-prod'))
})

it('refuses two subresources, unknown parameters and values where a mark has none', () => {
  for (const query of [
    'acl&versions',
    'acl&acl',
    'ACL',
    'acl=1',
    'acl&x=1',
    'list-type=3',
    'list-type=2&versions',
    'delete',
    'x-id=PutObject',
    'uploads=1',
    'versionId=a&tagging&acl',
  ]) {
    assert.match(
      refused(s3('GET', `/acme-a?${query}`)),
      /^(?:not_understood|operation_unknown)/,
      query,
    )
  }
})

it('refuses headers of AWS that the operation does not have', () => {
  for (const name of [
    'x-amz-acl',
    'x-amz-copy-source',
    'x-amz-target',
    'x-amz-object-ownership',
    'x-amz-source-expected-bucket-owner',
    'x-amz-write-get-object-response',
    'x-amz-website-redirect-location',
  ]) {
    assert.match(
      refused(s3('GET', '/acme-a/key', { [name]: 'x' })),
      /^(?:not_understood|operation_unknown)/,
      name,
    )
  }
  assert.match(refused(s3('GET', '/acme-a/key', { range: 'bytes=0-1,4-5' })), /^not_understood/)
  assert.match(refused(s3('GET', '/acme-a?acl', { range: 'bytes=0-1' })), /^not_understood/)
})

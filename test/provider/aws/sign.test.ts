import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { encode } from '../../../src/provider/aws/form.ts'
import { encodeKey } from '../../../src/provider/aws/s3-bucket.ts'
import { authorizationOf, readAwsKeys, signAws } from '../../../src/provider/aws/sign.ts'

const keys = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const now = Date.UTC(2015, 7, 30, 12, 36, 0)

describe('signAws', () => {
  it('signs what the SDK’s own signer signs, for any path, query, header and body of S3', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'DELETE'),
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,10}$/), text, { maxKeys: 4 }),
        fc.stringMatching(/^[\x21-\x7e]( {0,3}[\x21-\x7e]){0,10}$/),
        fc.uint8Array({ maxLength: 40 }),
        async (method, segments, query, meta, bytes) => {
          fc.pre(segments.every((one) => one !== '.' && one !== '..' && one.isWellFormed()))
          fc.pre(Object.values(query).every((one) => one.isWellFormed()))
          const body = Buffer.from(bytes)
          const path = `/bucket/${encodeKey(segments.join('/'))}`
          const pairs = Object.entries(query).map(
            ([name, value]) => `${encode(name)}=${encode(value)}`,
          )
          const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
          const ours = signAws(
            {
              method,
              target,
              headers: {
                'x-amz-meta-a': meta,
                'content-type': 'text/plain',
                'cache-control': 'no-store',
              },
              body,
              signing: {
                service: 's3',
                region: 'eu-west-1',
                origin: 'https://s3.eu-west-1.amazonaws.com',
                pin: 'https://amazonaws.com',
              },
            },
            's3.eu-west-1.amazonaws.com',
            keys,
            now,
          )
          const { authorization, ...headers } = ours
          const signer = new SignatureV4({
            service: 's3',
            region: 'eu-west-1',
            credentials: keys,
            sha256: Sha256,
            uriEscapePath: false,
            applyChecksum: false,
          })
          const theirs = await signer.sign(
            {
              method,
              protocol: 'https:',
              hostname: 's3.eu-west-1.amazonaws.com',
              path,
              query,
              headers: { ...headers, host: 's3.eu-west-1.amazonaws.com' },
              body,
            } as never,
            { signingDate: new Date(now), signableHeaders: new Set(['cache-control']) },
          )
          assert.equal(authorization, theirs.headers['authorization'])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('signs the requests to S3 in AWS’s documentation as they are signed there', () => {
    const documented = {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    }
    const put = {
      headers: {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      body: Buffer.from('Welcome to Amazon S3.'),
    }
    const get = { headers: {}, body: undefined }
    for (const [request, signature] of [
      [
        { ...get, method: 'GET', target: '/?lifecycle=' },
        'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
      ],
      [
        { ...get, method: 'GET', target: '/?max-keys=2&prefix=J' },
        '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
      ],
      [
        { ...put, method: 'PUT', target: '/test%24file.text' },
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ],
    ] as const) {
      const host = 'examplebucket.s3.amazonaws.com'
      const pin = 'https://amazonaws.com'
      const signing = { service: 's3', region: 'us-east-1', origin: `https://${host}`, pin }
      const headers = signAws({ ...request, signing }, host, documented, Date.UTC(2013, 4, 24))
      assert.equal(headers['authorization']?.split('Signature=')[1], signature, request.target)
    }
  })
})

describe('authorizationOf', () => {
  // AWS's published test suite for signature version 4.
  const scope = { service: 'service', region: 'us-east-1', datetime: '20150830T123600Z' }
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': scope.datetime }
  const none = { headers, body: undefined }
  const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  for (const [name, request, signature] of [
    [
      'get-vanilla',
      { ...none, method: 'GET', target: '/' },
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    [
      'get-vanilla-query-order-key',
      { ...none, method: 'GET', target: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-empty-query-key',
      { ...none, method: 'GET', target: '/?Param1=value1' },
      'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
    ],
    [
      'get-unreserved',
      { ...none, method: 'GET', target: `/${unreserved}` },
      '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
    ],
    [
      'post-vanilla',
      { ...none, method: 'POST', target: '/' },
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
    [
      'post-vanilla-query',
      { ...none, method: 'POST', target: '/?Param1=value1' },
      '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
    ],
    [
      'post-header-key-sort',
      { ...none, method: 'POST', target: '/', headers: { ...headers, 'my-header1': 'value1' } },
      'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
    ],
    [
      'post-x-www-form-urlencoded',
      {
        method: 'POST',
        target: '/',
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from('Param1=value1'),
      },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ] as const) {
    it(`signs ${name} of the published vectors`, () => {
      assert.equal(authorizationOf(request, scope, keys).split('Signature=')[1], signature)
    })
  }
})

describe('readAwsKeys', () => {
  it('reads a key pair, and one with a session token', () => {
    assert.deepEqual(readAwsKeys(JSON.stringify(keys)), keys)
    const temporary = { ...keys, sessionToken: 'FwoGZXIvYXdzEXAMPLETOKEN' }
    assert.deepEqual(readAwsKeys(JSON.stringify(temporary)), temporary)
  })

  it('reads nothing else', () => {
    for (const secret of [
      'AKIDEXAMPLE:secret',
      '{}',
      '[]',
      JSON.stringify({ accessKeyId: keys.accessKeyId }),
      JSON.stringify({ ...keys, region: 'us-east-1' }),
      JSON.stringify({ ...keys, secretAccessKey: 'short' }),
      JSON.stringify({ ...keys, accessKeyId: 'AKID/20150830/us-east-1' }),
      JSON.stringify({ ...keys, sessionToken: null }),
    ]) {
      assert.equal(readAwsKeys(secret), undefined, secret)
    }
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checksum, sumNames } from '../../../src/provider/aws/checksum.ts'
import { readChunked } from '../../../src/provider/aws/chunked.ts'
import { signedChunks, unsignedChunks } from './chunks.ts'
import { identified, refused, s3 } from './request.ts'

const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))
/** Also bytes that look like framing. */
const piece = fc.oneof(
  bytes,
  fc.constantFrom('\r\n', '0\r\n\r\n', '3\r\nabc\r\n').map((text) => Buffer.from(text)),
)
const framed = fc
  .tuple(
    fc.array(piece, { maxLength: 6 }),
    fc.constantFrom(...sumNames),
    fc.integer({ max: 2, min: 0 }),
  )
  .map(([pieces, sum, kind]) => ({
    plain: Buffer.concat(pieces),
    ...(kind === 0
      ? unsignedChunks(pieces, sum)
      : signedChunks(pieces, kind === 1 ? undefined : sum)),
  }))

describe('readChunked', () => {
  it('gives the bytes that were framed, whatever they are and however they are cut', () => {
    fc.assert(
      fc.property(framed, ({ headers, body, plain }) => {
        const read = readChunked(headers, body)
        assert.ok(read.ok, read.ok ? '' : read.refusal.detail)
        assert.deepEqual(read.body, plain)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses a framing with a byte more, a byte less or another byte, or reads a body with that sum', () => {
    const mutated = fc.tuple(framed, fc.nat(), fc.nat({ max: 255 }), fc.nat({ max: 2 }))
    fc.assert(
      fc.property(mutated, ([{ headers, body }, where, byte, kind]) => {
        const at = where % (body.length + 1)
        const other = Buffer.concat([
          body.subarray(0, at),
          kind === 0 ? Buffer.alloc(0) : Buffer.from([byte]),
          body.subarray(kind === 2 ? at : at + 1),
        ])
        const read = readChunked(headers, other)
        if (!read.ok) return
        assert.equal(read.body.length, Number(headers['x-amz-decoded-content-length']))
        for (const name of sumNames) {
          const given: string | undefined = read.headers[`x-amz-checksum-${name}`]
          if (given !== undefined) assert.equal(checksum(name, read.body), given)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('an upload in chunks', () => {
  it('goes out as plain bytes, with its sum in a field and its own encoding', () => {
    const { headers, body } = unsignedChunks([Buffer.from('hel'), Buffer.from('lo')])
    const { invocation, request } = identified(
      s3(
        'PUT',
        '/acme-a/key',
        {
          ...headers,
          'content-encoding': 'gzip,aws-chunked',
          'x-amz-sdk-checksum-algorithm': 'CRC32',
          'content-type': 'text/plain',
        },
        body,
      ),
    )
    assert.equal(invocation.operation, 's3/PutObject')
    assert.equal(request.body?.toString(), 'hello')
    assert.deepEqual(request.headers, {
      'content-encoding': 'gzip',
      'content-type': 'text/plain',
      'x-amz-checksum-crc32': 'NhCmhg==',
      'x-amz-sdk-checksum-algorithm': 'CRC32',
    })
    assert.deepEqual(invocation.arguments, {
      Bucket: 'acme-a',
      Key: 'key',
      ContentEncoding: 'gzip',
      ContentType: 'text/plain',
      ChecksumAlgorithm: 'CRC32',
      ChecksumCRC32: 'NhCmhg==',
    })
  })

  it('is the same request as one that came plain', () => {
    const { headers, body } = signedChunks([Buffer.from('hello')])
    const plain = identified(s3('PUT', '/acme-a/key', {}, 'hello'))
    assert.deepEqual(identified(s3('PUT', '/acme-a/key', headers, body)), plain)
  })

  it('may be a part of a larger one, and nothing that is not an object', () => {
    const { headers, body } = unsignedChunks([Buffer.from('hello')], 'crc64nvme')
    const part = identified(s3('PUT', '/acme-a/key?partNumber=1&uploadId=u', headers, body))
    assert.equal(part.invocation.operation, 's3/UploadPart')
    assert.equal(part.request.body?.toString(), 'hello')
    for (const target of ['/acme-a/key?tagging', '/acme-a?policy', '/acme-a'])
      assert.match(
        refused(s3('PUT', target, headers, body)),
        /^unsupported_media_type: A body in chunks/,
        target,
      )
  })

  it('needs its length, and says how a client gives it', () => {
    const { headers, body } = unsignedChunks([Buffer.from('hello')])
    const { 'x-amz-decoded-content-length': _, ...rest } = headers
    assert.match(refused(s3('PUT', '/acme-a/key', rest, body)), /ContentLength/)
  })
})

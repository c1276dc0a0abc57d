/** A body in chunks that holds one object to us and another to S3, or a second one. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { someSignature, signedChunks, unsignedChunks } from '../provider/aws/chunks.ts'
import { identified, refused, s3 } from '../provider/aws/request.ts'

const { headers } = unsignedChunks([Buffer.from('hello')])
const sum = 'x-amz-checksum-crc32:NhCmhg=='
const whole = `5\r\nhello\r\n0\r\n${sum}\r\n\r\n`
const good = /^(?:not_understood|unsupported_media_type)/

function put(body: string, more: Readonly<Record<string, string>> = {}): string {
  return refused(s3('PUT', '/acme-a/key', { ...headers, ...more }, Buffer.from(body, 'latin1')))
}

it('reads the body that the others are made of', () => {
  const { request } = identified(s3('PUT', '/acme-a/key', headers, whole))
  assert.equal(request.body?.toString(), 'hello')
})

it('refuses sizes that two readers take for two numbers', () => {
  for (const size of [
    '05',
    '0x5',
    '+5',
    '-5',
    ' 5',
    '5 ',
    '5\t',
    '5\n',
    '5_',
    '_5',
    '0_5',
    '5.0',
    '5e0',
    '',
    '\u00b5',
    '٥',
    'ffffffffffffffff',
    '100000005',
    '10000000000000005',
    '00000000000000000005',
    '4',
    '6',
    '7fffffff',
    '80000000',
  ]) {
    assert.match(put(whole.replace('5', size)), good, size)
  }
})

it('refuses a second object in an extension, with or without signatures', () => {
  for (const extension of [
    ';a=b',
    ';',
    ';chunk-signature=',
    `;chunk-signature=${someSignature}`,
    ';\r\n0\r\n\r\n',
    ';"\r\n"',
    ';PUT /acme-prod/key HTTP/1.1',
  ])
    assert.match(put(whole.replace('5', `5${extension}`)), good, extension)
  const signed = signedChunks([Buffer.from('hello')])
  const text = signed.body.toString()
  for (const [from, to] of [
    [`=${someSignature}`, '='],
    [`=${someSignature}`, `=${someSignature}0`],
    [`=${someSignature}`, `=${someSignature};a=b`],
    [`=${someSignature}`, `=${someSignature}\n5`],
    [someSignature, someSignature.toUpperCase()],
    [';chunk', '; chunk'],
    [';chunk', ';a=b;chunk'],
    [';chunk-signature', ';Chunk-Signature'],
    [`;chunk-signature=${someSignature}`, ''],
  ] as const) {
    assert.match(
      refused(s3('PUT', '/acme-a/key', signed.headers, text.replace(from, to))),
      good,
      to,
    )
  }
})

it('refuses lengths that do not agree', () => {
  for (const length of [
    '4',
    '6',
    '0',
    '-5',
    '+5',
    '5.0',
    '05',
    '0x5',
    '5_',
    '1e9',
    '',
    '99999999',
    '9'.repeat(30),
  ])
    assert.match(put(whole, { 'x-amz-decoded-content-length': length }), good, length)
})

it('says whether the chunks hold more or less than was declared', () => {
  assert.match(put(whole, { 'x-amz-decoded-content-length': '4' }), /hold more/)
  assert.match(put(whole, { 'x-amz-decoded-content-length': '6' }), /hold less/)
})

it('refuses chunks without the CRLF that ends them, a bare LF, and what follows the last', () => {
  for (const body of [
    '',
    '5',
    '5\r\nhello',
    '5\r\nhello\r\n',
    whole.replace('hello\r\n', 'hello'),
    whole.replaceAll('\r\n', '\n'),
    whole.replace('5\r\n', '5\n'),
    whole.replace('hello\r\n', 'hello\n\n'),
    whole.slice(0, -2),
    whole.slice(0, -1),
    `${whole}\r\n`,
    `${whole}5\r\nother\r\n0\r\n${sum}\r\n\r\n`,
    `${whole}PUT /acme-prod/key HTTP/1.1\r\n\r\n`,
    `0\r\n${sum}\r\n\r\n${whole}`,
    `0\r\n\r\n${whole}`,
    `\r\n${whole}`,
    `${'5'.repeat(200)}\r\n${whole}`,
  ])
    assert.match(put(body), good, JSON.stringify(body))
})

it('is as strict where no sum would show the difference', () => {
  const framed = signedChunks([Buffer.from('hello')])
  const text = framed.body.toString()
  const send = (body: string, more: Readonly<Record<string, string>> = {}) =>
    refused(s3('PUT', '/acme-a/key', { ...framed.headers, ...more }, body))
  assert.ok(identified(s3('PUT', '/acme-a/key', framed.headers, text)).request.body)
  for (const body of [
    text.replace('hello\r\n', 'hello\rX'),
    text.replace('hello\r\n', 'helloX\n'),
    text.replace('hello', 'hell'),
    text.replace('hello', 'hello!'),
    text.replace(/^5/, '05'),
    text.replace(/^5/, '4'),
    text.replace(/^5/, '7fffffff'),
    `${text}x`,
    `${text}\r\n`,
    `${text}${text}`,
    text.slice(0, -2),
    text.replace(/\r\n$/, 'x-amz-acl:public-read\r\n\r\n'),
    text.replace(/\r\n$/, `${sum}\r\n\r\n`),
  ])
    assert.match(send(body), good, JSON.stringify(body))
  assert.match(send(text, { 'x-amz-trailer': 'x-amz-checksum-crc32' }), good)
  for (const length of ['0', '4', '6', '9', '200', '9999999999999999'])
    assert.match(send(text, { 'x-amz-decoded-content-length': length }), good, length)
  for (const payload of [
    '0'.repeat(64),
    'UNSIGNED-PAYLOAD',
    'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
  ]) {
    const { headers: signedHeaders, body } = signedChunks([Buffer.from('hello')], 'crc32')
    const other = { ...signedHeaders, 'x-amz-content-sha256': payload }
    assert.match(refused(s3('PUT', '/acme-a/key', other, body)), good, payload)
    assert.match(send(text, { 'x-amz-content-sha256': payload }), good, payload)
  }
})

it('refuses trailers that were not announced, twice, of another name, and a sum that is wrong', () => {
  for (const trailer of [
    '',
    `${sum}\r\n${sum}`,
    `${sum}\r\nx-amz-checksum-crc32c:yZRlqg==`,
    `${sum}\r\nx-amz-acl:public-read`,
    `x-amz-acl:public-read\r\n${sum}`,
    'x-amz-checksum-crc32c:yZRlqg==',
    'x-amz-checksum-sha256:NhCmhg==',
    sum.replace(':', ': '),
    sum.replace(':', ' :'),
    sum.toUpperCase(),
    `${sum} `,
    sum.replace('NhCmhg==', 'NhCmhh=='),
    sum.replace('NhCmhg==', 'AAAAAA=='),
    sum.replace('NhCmhg==', 'NhCmhg'),
    sum.replace('NhCmhg==', ''),
    `${sum}\r\n folded`,
    `${sum}\r\nx-amz-trailer-signature:${someSignature}`,
    `${sum}\r\n${'a'.repeat(500)}:b`,
  ])
    assert.match(put(whole.replace(sum, trailer)), good, trailer)
  for (const name of [
    'x-amz-acl',
    'authorization',
    'content-length',
    'x-amz-checksum-crc32, x-amz-checksum-crc32',
    'x-amz-checksum-crc32,x-amz-acl',
    'X-Amz-Checksum-Crc32',
    'x-amz-checksum-xxhash3',
    'x-amz-checksum-',
    '__proto__',
    'toString',
    '',
  ])
    assert.match(put(whole, { 'x-amz-trailer': name }), good, name)
})

it('refuses a second sum in the header, and one under another name', () => {
  for (const more of [
    { 'x-amz-checksum-crc32': 'NhCmhg==' },
    { 'x-amz-checksum-sha256': 'x' },
    { 'x-amz-checksum-xxhash3': 'x' },
    { 'x-amz-sdk-checksum-algorithm': 'SHA256' },
    { 'x-amz-sdk-checksum-algorithm': '' },
  ])
    assert.match(put(whole, more), good, JSON.stringify(more))
})

it('refuses headers that disagree about whether there are chunks', () => {
  for (const only of [
    { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
    { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
    { 'x-amz-content-sha256': 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD' },
    { 'content-encoding': 'aws-chunked' },
    { 'content-encoding': 'gzip, AWS-Chunked' },
    { 'x-amz-decoded-content-length': '1' },
    { 'x-amz-trailer': 'x-amz-checksum-crc32' },
  ])
    assert.match(refused(s3('PUT', '/acme-a/key', only, '1\r\nx\r\n0\r\n\r\n')), good)
  for (const more of [
    { 'x-amz-content-sha256': '0'.repeat(64) },
    { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    { 'x-amz-content-sha256': 'streaming-unsigned-payload-trailer' },
    { 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD' },
    { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
    { 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER' },
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'AWS-chunked' },
    { 'content-encoding': 'aws-chunked,aws-chunked' },
    { 'content-encoding': 'aws-chunked, AWS-Chunked' },
    { 'content-encoding': 'aws-chunked,' },
    { 'content-encoding': 'x-aws-chunked' },
  ])
    assert.match(put(whole, more), good, JSON.stringify(more))
})

it('reads chunks for S3’s objects alone', () => {
  const copy = s3('PUT', '/acme-a/key', { ...headers, 'x-amz-copy-source': 'acme-a/other' }, whole)
  assert.match(refused(copy), good)
  const removal = s3('POST', '/acme-a?delete', headers, whole)
  assert.match(refused(removal), good)
})

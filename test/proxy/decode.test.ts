import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import { describe, test } from 'node:test'
import zlib from 'node:zlib'
import { ACCEPT_ENCODING, decodersFor } from '../../src/proxy/decode.ts'

const text = Buffer.from('{"a":"hello, world"} '.repeat(3000))
const encoders: readonly [coding: string, encode: (bytes: Buffer) => Buffer][] = [
  ['gzip', zlib.gzipSync],
  ['x-gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['deflate', zlib.deflateRawSync],
  ['br', zlib.brotliCompressSync],
  ['zstd', zlib.zstdCompressSync],
]

async function decode(coding: string | undefined, bytes: Buffer, size = 1000): Promise<Buffer> {
  const decoding = decodersFor(coding)
  assert.ok(decoding.ok)
  const chunks: Buffer[] = []
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  const sink = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk))
  await pipeline([Readable.from(pieces), ...decoding.decoders, sink])
  return Buffer.concat(chunks)
}

describe('the decoders', () => {
  test('take off every coding that the broker asks for, at any size of piece', async () => {
    for (const [coding, encode] of encoders) {
      for (const size of [1, 2, 777, 1_000_000]) {
        assert.deepEqual(await decode(coding, encode(text), size), text, coding)
      }
    }
    for (const coding of ACCEPT_ENCODING.split(', ')) assert.ok(decodersFor(coding).ok)
  })

  test('take off several, the last applied first', async () => {
    const twice = zlib.brotliCompressSync(zlib.gzipSync(text))
    assert.deepEqual(await decode('gzip, br', twice), text)
    assert.deepEqual(await decode(' GZIP ,, identity, BR ', twice), text)
    await assert.rejects(decode('br, gzip', twice))
  })

  test('are none for identity, nothing and an empty list', async () => {
    for (const coding of [undefined, '', 'identity', ' , ']) {
      const decoding = decodersFor(coding)
      assert.ok(decoding.ok && decoding.decoders.length === 0)
    }
  })

  test('take no bytes for an empty body', async () => {
    for (const [coding] of encoders) assert.equal((await decode(coding, Buffer.alloc(0))).length, 0)
  })

  test('are refused for a coding that was not asked for, and for too many', () => {
    for (const coding of [
      'compress',
      'dcb',
      'aes128gcm',
      'gzip;q=1',
      'gzip br',
      'gzip, gzip, gzip, gzip',
      'chunked',
    ]) {
      assert.ok(!decodersFor(coding).ok, coding)
    }
  })

  test('read no further than they are read from', async () => {
    const decoding = decodersFor('gzip')
    assert.ok(decoding.ok)
    const [decoder] = decoding.decoders
    assert.ok(decoder !== undefined)
    let taken = false
    decoder.write(zlib.gzipSync(Buffer.alloc(32 * 1024 * 1024)), () => {
      taken = true
    })
    for (let i = 0; i < 200; i++) await setImmediate()
    assert.ok(!taken)
    assert.ok(decoder.readableLength < 1_000_000, String(decoder.readableLength))
    decoder.end()
    let length = 0
    for await (const chunk of decoder) length += (chunk as Buffer).length
    assert.equal(length, 32 * 1024 * 1024)
  })
})

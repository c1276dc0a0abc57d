/** An answer that is not in the content coding it claims: passed on undecoded, it would carry the credential unseen. */
import assert from 'node:assert/strict'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { decodersFor } from '../../src/proxy/decode.ts'

const text = Buffer.from('{"auth":"the token"}'.repeat(100))
const codings: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
}

/** What came out before the decoders failed. */
async function failed(coding: string, pieces: Buffer[]): Promise<Buffer> {
  const decoding = decodersFor(coding)
  assert.ok(decoding.ok)
  const chunks: Buffer[] = []
  const sink = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk))
  await assert.rejects(pipeline([Readable.from(pieces), ...decoding.decoders, sink]), coding)
  return Buffer.concat(chunks)
}

test('plain bytes under the name of a coding fail, and none of them comes out', async () => {
  for (const coding of [...Object.keys(codings), 'gzip, gzip', 'gzip, br']) {
    assert.equal((await failed(coding, [text])).length, 0, coding)
  }
})

test('a coding applied once but claimed twice fails, and none of it comes out', async () => {
  for (const [coding, encode] of Object.entries(codings)) {
    assert.equal((await failed(`${coding}, ${coding}`, [encode(text)])).length, 0, coding)
  }
})

test('an answer that ends within its coding fails', async () => {
  for (const [coding, encode] of Object.entries(codings)) {
    await failed(coding, [encode(text).subarray(0, -5)])
  }
})

test('what stands after the end of the coding fails the answer and does not come out', async () => {
  for (const [coding, encode] of Object.entries(codings)) {
    const encoded = encode(text)
    for (const pieces of [[Buffer.concat([encoded, text])], [encoded, text]]) {
      const out = await failed(coding, pieces)
      assert.ok(out.length <= text.length, coding)
    }
  }
})

test('a zstd frame that asks for a window of more than eight mebibytes fails', async () => {
  const params = {
    [zlib.constants.ZSTD_c_windowLog]: 27,
    [zlib.constants.ZSTD_c_contentSizeFlag]: 0,
  }
  await failed('zstd', [zlib.zstdCompressSync(Buffer.alloc(17 * 1024 * 1024), { params })])
})

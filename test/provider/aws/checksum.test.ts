import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checksum, type SumName } from '../../../src/provider/aws/checksum.ts'

/** Bit by bit, in integers of any size: slow, and as the definition has it. */
function slow(bytes: Uint8Array, width: number, polynomial: bigint): string {
  const ones = (1n << BigInt(width)) - 1n
  let sum = ones
  for (const byte of bytes) {
    sum ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1n) === 1n ? (sum >> 1n) ^ polynomial : sum >> 1n
  }
  return Buffer.from((sum ^ ones).toString(16).padStart(width / 4, '0'), 'hex').toString('base64')
}

describe('checksum', () => {
  it('gives the published check values', () => {
    for (const [name, hex] of [
      ['crc32', 'cbf43926'],
      ['crc32c', 'e3069283'],
      ['crc64nvme', 'ae8b14860a799888'],
      ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
      ['md5', '25f9e794323b453885f5181f1b624d0b'],
    ] as const satisfies readonly (readonly [SumName, string])[]) {
      const given = Buffer.from(checksum(name, Buffer.from('123456789')), 'base64')
      assert.equal(given.toString('hex'), hex, name)
    }
  })

  it('is for any bytes what the definition gives', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(checksum('crc32', bytes), slow(bytes, 32, 0xedb88320n))
        assert.equal(checksum('crc32c', bytes), slow(bytes, 32, 0x82f63b78n))
        assert.equal(checksum('crc64nvme', bytes), slow(bytes, 64, 0x9a6c9329ac4bc9b5n))
      }),
      { numRuns: 100 },
    )
  })
})

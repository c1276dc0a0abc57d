/**
 * The sums that S3 takes of an object's bytes, as it writes them: base64 of the bytes of the sum, the first first. Those
 * that `node:crypto` and `node:zlib` do not have are computed here.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type SumName = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256' | 'sha512' | 'md5'

const sums: Readonly<Record<SumName, (bytes: Uint8Array) => string>> = {
  crc32: (bytes) => words(crc32(bytes)),
  crc32c: (bytes) => words(crc32c(bytes)),
  crc64nvme: (bytes) => words(...crc64nvme(bytes)),
  sha1: (bytes) => createHash('sha1').update(bytes).digest('base64'),
  sha256: (bytes) => createHash('sha256').update(bytes).digest('base64'),
  sha512: (bytes) => createHash('sha512').update(bytes).digest('base64'),
  md5: (bytes) => createHash('md5').update(bytes).digest('base64'),
}

export const sumNames = Object.keys(sums) as readonly SumName[]

export function checksum(name: SumName, bytes: Uint8Array): string {
  return sums[name](bytes)
}

function words(...values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4)
  return bytes.toString('base64')
}

let castagnoli: Uint32Array | undefined

/** RFC 3720 section 12.1: Castagnoli's polynomial, reflected. */
function crc32c(bytes: Uint8Array): number {
  castagnoli ??= Uint32Array.from({ length: 256 }, (_, i) => {
    let sum = i
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
    return sum
  })
  let sum = 0xffffffff
  for (const byte of bytes) sum = (sum >>> 8) ^ (castagnoli[(sum ^ byte) & 0xff] ?? 0)
  return ~sum
}

let nvme: { readonly high: Uint32Array; readonly low: Uint32Array } | undefined

/** The CRC of NVM Express (Rocksoft), reflected; in two halves, because big integers would cost seconds. */
function crc64nvme(bytes: Uint8Array): readonly [number, number] {
  nvme ??= nvmeTable()
  let high = 0xffffffff
  let low = 0xffffffff
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ (nvme.low[index] ?? 0)
    high = (high >>> 8) ^ (nvme.high[index] ?? 0)
  }
  return [~high, ~low]
}

function nvmeTable(): NonNullable<typeof nvme> {
  const high = new Uint32Array(256)
  const low = new Uint32Array(256)
  for (let i = 0; i < 256; i++) {
    let sum = BigInt(i)
    for (let bit = 0; bit < 8; bit++)
      sum = (sum & 1n) === 1n ? (sum >> 1n) ^ 0x9a6c9329ac4bc9b5n : sum >> 1n
    high[i] = Number(sum >> 32n)
    low[i] = Number(sum & 0xffffffffn)
  }
  return { high, low }
}

/**
 * Reads the files of a `.tar.gz` into memory (ustar, with GNU's long names): DigitalOcean publishes its
 * description as a folder. Nothing is written, so no name in the archive can lead anywhere; a header whose checksum or
 * size is wrong is refused.
 */
import { gunzipSync } from 'node:zlib'

const block = 512
const mostBytes = 256 * 1024 * 1024

/** The text of every file, by its path in the archive. Throws where it is no such archive. */
export function readArchive(compressed: Uint8Array): ReadonlyMap<string, string> {
  const bytes = gunzipSync(compressed, { maxOutputLength: mostBytes })
  const files = new Map<string, string>()
  /** What an entry of the type `L` says of the next one's name. */
  let longName: string | undefined
  for (let at = 0; at + block <= bytes.length;) {
    const header = bytes.subarray(at, at + block)
    if (header.every((byte) => byte === 0)) return files
    if (!hasItsChecksum(header)) throw new Error(`not a tar header at byte ${String(at)}`)
    const size = octal(header.subarray(124, 136))
    const content = bytes.subarray(at + block, at + block + size)
    if (content.length !== size) throw new Error('the archive ends in the middle of a file')
    const type = String.fromCharCode(header[156] ?? 0)
    if (type === '0' || type === '\0') {
      const prefix = text(header.subarray(345, 500))
      const name = text(header.subarray(0, 100))
      files.set(longName ?? (prefix === '' ? name : `${prefix}/${name}`), content.toString('utf8'))
      longName = undefined
    } else if (type === 'L') {
      longName = text(content)
    } else if (!'5g'.includes(type)) {
      throw new Error(`the archive has an entry of the type ${JSON.stringify(type)}`)
    }
    at += block + Math.ceil(size / block) * block
  }
  throw new Error('the archive has no end')
}

function text(field: Buffer): string {
  const end = field.indexOf(0)
  return field.subarray(0, end === -1 ? field.length : end).toString('utf8')
}

function octal(field: Buffer): number {
  const digits = text(field).trim()
  if (!/^[0-7]+$/.test(digits)) throw new Error('a size in the archive is not a number')
  return Number.parseInt(digits, 8)
}

/** The sum of the header's bytes, its own field counted as spaces. */
function hasItsChecksum(header: Buffer): boolean {
  let sum = 0
  for (const [i, byte] of header.entries()) sum += i >= 148 && i < 156 ? 0x20 : byte
  return sum === octal(header.subarray(148, 156))
}

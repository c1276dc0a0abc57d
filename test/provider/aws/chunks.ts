/** Bodies in `aws-chunked`, as SDKs frame them. */
import { checksum, type SumName } from '../../../src/provider/aws/checksum.ts'

export const someSignature = '0123456789abcdef'.repeat(4)

export type Framed = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }

/** As `@aws-sdk/client-s3` sends a stream. */
export function unsignedChunks(pieces: readonly Buffer[], sum: SumName = 'crc32'): Framed {
  const all = Buffer.concat(pieces)
  const trailer = `x-amz-checksum-${sum}`
  return {
    headers: {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(all.length),
      'x-amz-trailer': trailer,
    },
    body: Buffer.concat([
      ...pieces.filter(({ length }) => length > 0).map((piece) => chunk(piece, '')),
      Buffer.from(`0\r\n${trailer}:${checksum(sum, all)}\r\n\r\n`),
    ]),
  }
}

/** As older SDKs, and those without TLS, send one. */
export function signedChunks(pieces: readonly Buffer[], sum?: SumName): Framed {
  const all = Buffer.concat(pieces)
  const extension = `;chunk-signature=${someSignature}`
  const trailers =
    sum === undefined
      ? ''
      : `x-amz-checksum-${sum}:${checksum(sum, all)}\r\nx-amz-trailer-signature:${someSignature}\r\n`
  return {
    headers: {
      'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${sum === undefined ? '' : '-TRAILER'}`,
      'x-amz-decoded-content-length': String(all.length),
      ...(sum === undefined ? {} : { 'x-amz-trailer': `x-amz-checksum-${sum}` }),
    },
    body: Buffer.concat([
      ...pieces.filter(({ length }) => length > 0).map((piece) => chunk(piece, extension)),
      Buffer.from(`0${extension}\r\n${trailers}\r\n`),
    ]),
  }
}

function chunk(piece: Buffer, extension: string): Buffer {
  return Buffer.concat([
    Buffer.from(`${piece.length.toString(16)}${extension}\r\n`),
    piece,
    Buffer.from('\r\n'),
  ])
}

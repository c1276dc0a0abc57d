/**
 * Bodies in `aws-chunked`, as the SDKs send streams: chunks with their sizes in front, and a sum behind the last one. They
 * are read to the last byte and go out as the plain bytes that they hold, with the sum in an ordinary field, so that no
 * two readers can find two objects in one body. Against an agent that writes what one reader skips: a size that is too
 * small, too large or spelled oddly, an extension, a second trailer, bytes behind the end.
 *
 * The chunks' own signatures are made with a key pair that means nothing here, like the request's: their form is read,
 * and they are dropped.
 */
import { quoted, refuse, type Refused } from '../rest/refusal.ts'
import { checksum, sumNames, type SumName } from './checksum.ts'

export type PlainUpload = {
  readonly ok: true
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

type Framing = { readonly signed: boolean; readonly sum: SumName | undefined }

const unsigned = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
const signed = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const coding = 'aws-chunked'
const trailerPrefix = 'x-amz-checksum-'
/** Fields of that prefix that hold no sum. */
const aboutSums = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
])
/** No sign, no blank, no zero in front, no other digits; as many as a body within the cap can need. */
const size = /^(0|[1-9a-f][0-9a-f]{0,6})$/i
const signature = /^;chunk-signature=[0-9a-f]{64}$/

const not = (detail: string): Refused => refuse('not_understood', detail)

/** Whether any field says that the body is chunked: then all of them must. */
export function isChunked(headers: Readonly<Record<string, string>>): boolean {
  return (
    /^STREAMING/i.test(headers['x-amz-content-sha256'] ?? '') ||
    /aws-chunked/i.test(headers['content-encoding'] ?? '') ||
    headers['x-amz-trailer'] !== undefined ||
    headers['x-amz-decoded-content-length'] !== undefined
  )
}

/** What the same upload would be as plain bytes. For requests that `isChunked`. */
export function readChunked(
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): PlainUpload | Refused {
  const framing = framingOf(headers)
  if ('ok' in framing) return framing
  const declared = headers['x-amz-decoded-content-length']
  if (declared === undefined) {
    return not(
      'A body in chunks must say its length in x-amz-decoded-content-length; give the SDK the ContentLength of the stream.',
    )
  }
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(declared))
    return not('x-amz-decoded-content-length is a plain decimal number.')
  const length = Number(declared)
  if (length > body.length) return not('The body is shorter than x-amz-decoded-content-length.')

  const bytes = Buffer.allocUnsafe(length)
  const read = readChunks(body, framing.signed, bytes)
  if (typeof read === 'string') return not(`In the chunks of the body: ${read}.`)
  const rest = { ...headers }
  for (const name of ['x-amz-trailer', 'x-amz-decoded-content-length', 'content-encoding'])
    delete rest[name]
  const own = codings(headers['content-encoding']).filter((one) => one !== coding)
  if (own.length > 0) rest['content-encoding'] = own.join(',')

  const { sum } = framing
  const given = readTrailer(body.toString('latin1', read.at), sum, framing.signed)
  if (given === undefined) {
    return not(
      'The last chunk is followed by the trailer that x-amz-trailer names, an empty line and nothing else.',
    )
  }
  if (sum !== undefined) {
    if (checksum(sum, bytes) !== given)
      return not(`The body does not have the checksum ${sum} that its trailer says.`)
    rest[`${trailerPrefix}${sum}`] = given
  }
  return { ok: true, headers: rest, body: bytes }
}

function codings(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split(',').map((one) => one.trim())
}

/** Which of the framings it is. The field that S3 itself goes by decides; what contradicts it is refused. */
function framingOf(headers: Readonly<Record<string, string>>): Framing | Refused {
  const payload = headers['x-amz-content-sha256'] ?? ''
  const trailer = headers['x-amz-trailer']
  const known = payload === unsigned || payload === signed || payload === `${signed}-TRAILER`
  if (!known) {
    return not(
      `A body in chunks is announced by x-amz-content-sha256: ${unsigned}, ${signed} or ${signed}-TRAILER.`,
    )
  }
  const own = codings(headers['content-encoding'])
  if (own.length > 0 && own.filter((one) => one.toLowerCase() === coding).length !== 1)
    return not(`The content-encoding of a body in chunks names ${coding} once.`)
  if (own.some((one) => one === '' || (one !== coding && one.toLowerCase() === coding)))
    return not(`The content-encoding is a list of names, and one of them is ${coding}.`)
  if (payload === signed) {
    return trailer === undefined
      ? { signed: true, sum: undefined }
      : not(`A trailer is announced by x-amz-content-sha256: ${signed}-TRAILER.`)
  }
  const sum = sumNames.find((name) => trailer === `${trailerPrefix}${name}`)
  if (sum === undefined) {
    return not(
      `x-amz-trailer is one of ${sumNames.map((name) => `${trailerPrefix}${name}`).join(', ')}, and ${quoted(trailer ?? '')} is none of them.`,
    )
  }
  // Two sums of one body, or one under another's name: S3 would go by one of them.
  const another = (name: string) => name.startsWith(trailerPrefix) && !aboutSums.has(name)
  if (Object.keys(headers).some(another))
    return not('The body has a checksum in its trailer, and another in its header.')
  const algorithm = headers['x-amz-sdk-checksum-algorithm']
  if (algorithm !== undefined && algorithm.toLowerCase() !== sum)
    return not('x-amz-sdk-checksum-algorithm names another checksum than x-amz-trailer.')
  return { signed: payload !== unsigned, sum }
}

/** Fills `into`. What is wrong, or where the trailers begin: behind the line of the chunk of size 0. */
function readChunks(
  body: Buffer,
  isSigned: boolean,
  into: Buffer,
): { readonly at: number } | string {
  let at = 0
  let filled = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    if (end === -1) return 'a chunk begins with its size and CRLF'
    const line = body.toString('latin1', at, end)
    const digits = isSigned ? line.slice(0, Math.max(0, line.indexOf(';'))) : line
    if (!size.test(digits)) return 'a size is a plain hexadecimal number'
    if (isSigned && !signature.test(line.slice(digits.length)))
      return 'a size is followed by its chunk-signature and nothing else'
    const length = Number.parseInt(digits, 16)
    at = end + 2
    if (length === 0) {
      return filled === into.length ? { at } : 'they hold less than x-amz-decoded-content-length'
    }
    if (length > into.length - filled) return 'they hold more than x-amz-decoded-content-length'
    // CR and LF behind it: what a wrong size would put there are bytes of the object.
    if (body[at + length] !== 0x0d || body[at + length + 1] !== 0x0a)
      return 'a chunk ends with CRLF where its size says'
    body.copy(into, filled, at, at + length)
    filled += length
    at += length + 2
  }
}

/** The sum that the trailer gives, which is empty where none was announced. Undefined where it is anything else. */
function readTrailer(
  text: string,
  sum: SumName | undefined,
  isSigned: boolean,
): string | undefined {
  if (sum === undefined) return text === '\r\n' ? '' : undefined
  const start = `${trailerPrefix}${sum}:`
  const rest = text.startsWith(start) ? text.slice(start.length) : ''
  const ending = isSigned ? /\r\nx-amz-trailer-signature:[0-9a-f]{64}\r\n\r\n$/ : /\r\n\r\n$/
  const value = /^[A-Za-z0-9+/]{4,88}={0,2}(?=\r\n)/.exec(rest)?.[0]
  if (value === undefined) return undefined
  const behind = ending.exec(rest)
  return behind?.index === value.length ? value : undefined
}

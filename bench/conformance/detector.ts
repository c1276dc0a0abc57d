/**
 * Whether something that the agent received holds the credential: all of it or any twelve characters of it, in any of the
 * spellings that the case files name. It undoes spellings and looks at what comes out, where the broker's own scrubber
 * looks for what it has spelt, so that a mistake in one is not the same mistake in the other.
 */
import zlib from 'node:zlib'
import { headerOf, type Answer, type Exchange } from './wire.ts'

const least = 12
/** Of what an agent received, so much is undone in every way; a token is never further into an answer of these cases. */
const most = 262_144

export type Detector = {
  /** Where it was found, and how it was spelt; undefined where it is in none of it. */
  find(exchange: Exchange): string | undefined
  /** The same for one piece of text, plain. */
  findPlain(text: string): boolean
}

export function createDetector(secrets: readonly string[]): Detector {
  const needles = new Set<string>()
  for (const secret of secrets) {
    const folded = secret.toLowerCase()
    for (let i = 0; i + least <= folded.length; i++) needles.add(folded.slice(i, i + least))
  }

  function holds(text: string): boolean {
    const folded = text.toLowerCase()
    for (const needle of needles) if (folded.includes(needle)) return true
    return false
  }

  function spelling(text: string, depth: number): string | undefined {
    if (holds(text)) return 'as it is'
    for (const [name, undo] of spellings) {
      for (const undone of undo(text)) {
        if (undone === text || undone.length < least) continue
        if (holds(undone)) return name
        if (depth > 0) {
          const deeper = spelling(undone, depth - 1)
          if (deeper !== undefined) return `${name}, ${deeper}`
        }
      }
    }
    return undefined
  }

  return {
    findPlain: holds,
    find(exchange) {
      for (const [place, bytes] of placesOf(exchange)) {
        const found = spelling(bytes.subarray(0, most).toString('latin1'), 1)
        if (found !== undefined) return `${place}: ${found}`
      }
      return undefined
    },
  }
}

function* placesOf(exchange: Exchange): Iterable<readonly [string, Buffer]> {
  yield ['the bytes received', exchange.bytes]
  for (const answer of exchange.answers) {
    yield ['the body', answer.body]
    const decoded = decode(answer)
    if (decoded !== undefined) yield ['the body, decoded', decoded]
  }
}

function decode(answer: Answer): Buffer | undefined {
  const coding = headerOf(answer, 'content-encoding')
  if (coding === undefined) return undefined
  let body = answer.body
  for (const each of coding.split(',').toReversed()) {
    const undo = decoders[each.trim().toLowerCase()]
    if (undo === undefined) return body
    try {
      body = undo(body)
    } catch {
      return body
    }
  }
  return body
}

const decoders: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: (body) => zlib.gunzipSync(body),
  deflate: (body) => zlib.inflateSync(body),
  br: (body) => zlib.brotliDecompressSync(body),
  zstd: (body) => zlib.zstdDecompressSync(body),
}

type Undo = (text: string) => Iterable<string>

const code = (digits: string | undefined, radix: number): string => {
  const point = Number.parseInt(digits ?? '', radix)
  return point <= 0x10ffff ? String.fromCodePoint(point) : ''
}

const spellings: readonly (readonly [string, Undo])[] = [
  ['hex', hexRuns],
  ['base64', base64Runs],
  [
    'percent-encoded',
    (text) => [text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => code(hex, 16))],
  ],
  [
    'escaped as in JSON',
    (text) => [
      text
        .replaceAll(/\\u\{?([0-9a-f]{4,6})\}?/gi, (_, hex: string) => code(hex, 16))
        .replaceAll(/\\x([0-9a-f]{2})/gi, (_, hex: string) => code(hex, 16))
        .replaceAll(/\\(["/\\])/g, '$1'),
    ],
  ],
  [
    'as HTML entities',
    (text) => [
      text
        .replaceAll(/&#x([0-9a-f]{1,6});?/gi, (_, hex: string) => code(hex, 16))
        .replaceAll(/&#([0-9]{1,7});?/g, (_, decimal: string) => code(decimal, 10)),
    ],
  ],
  [
    'quoted-printable',
    (text) => [
      text
        .replaceAll(/=\r?\n/g, '')
        .replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => code(hex, 16)),
    ],
  ],
  ['as UTF-16', (text) => [text.replaceAll('\0', '')]],
  [
    'full width',
    (text) => [
      Buffer.from(text, 'latin1')
        .toString('utf8')
        .replaceAll(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)),
    ],
  ],
  ['backwards', (text) => [text.split('').toReversed().join('')]],
  [
    'rot13',
    (text) => [
      text.replaceAll(/[a-z]/gi, (c) => {
        const base = c <= 'Z' ? 65 : 97
        return String.fromCharCode(((c.charCodeAt(0) - base + 13) % 26) + base)
      }),
    ],
  ],
  ['with something between its characters', (text) => separated(text)],
]

/** Blanks, zero-width characters (UTF-8, read as latin1), quotes and commas between each two characters. */
function* separated(text: string): Iterable<string> {
  yield text.replaceAll(/\s+/g, '')
  yield text.replaceAll(/\u00e2\u0080[\u008b-\u008f]/g, '')
  yield text.replaceAll(/"\s*,\s*"/g, '')
}

function* hexRuns(text: string): Iterable<string> {
  for (const [run] of text.matchAll(/[0-9a-f]{24,}/gi)) {
    for (const from of [0, 1]) yield Buffer.from(run.slice(from), 'hex').toString('latin1')
  }
}

function* base64Runs(text: string): Iterable<string> {
  for (const source of [text, text.replaceAll(/[\r\n]|\\r|\\n/g, '')]) {
    for (const [run] of source.matchAll(/[A-Za-z0-9+/_-]{16,}/g)) {
      for (let from = 0; from < 4; from++)
        yield Buffer.from(run.slice(from), 'base64').toString('latin1')
    }
  }
}

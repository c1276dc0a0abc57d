/** The bytes that a provider of leak_probes.json answers with. */
import {
  number,
  object,
  pairs,
  text,
  texts,
  unknownMembers,
  type Expansion,
  type Json,
  type Values,
} from './cases.ts'
import type { Reply } from './upstream.ts'

const known = [
  'status',
  'reason',
  'headers',
  'body',
  'body_transform',
  'framing',
  'informational',
  'raw',
  'trailers',
  'chunks',
  'chunk_size',
  'delay_ms',
  'chunked',
]
const knownFraming = [
  'reset_after_body',
  'close_after_body',
  'close',
  'chunked',
  'chunks',
  'chunk_size',
  'split',
  'delay_ms',
  'pause_ms',
  'trailers',
]

/** A sentence where the description has what is not known here. */
export function replyOf(expansion: Expansion, values: Values, upstream: Json): Reply | string {
  const expand = (value: unknown): string => expansion.expand(text(value) ?? '', values)
  const framing = object(upstream['framing'])
  const unknown = [...unknownMembers(upstream, known), ...unknownMembers(framing, knownFraming)]
  if (unknown.length > 0) return `not driven: the answer has ${unknown.join(', ')}`
  if (upstream['raw'] !== undefined)
    return { pieces: [Buffer.from(expand(upstream['raw']), 'latin1')], after: 'keep' }

  const head = (status: number, reason: string, headers: readonly (readonly [string, string])[]) =>
    Buffer.from(
      `${[`HTTP/1.1 ${String(status)} ${reason}`, ...headers.map(([n, v]) => `${n}: ${v}`)].join('\r\n')}\r\n\r\n`,
      'utf8',
    )
  const expanded = (value: unknown) => pairs(value).map(([n, v]) => [expand(n), expand(v)] as const)
  const interim = (Array.isArray(upstream['informational']) ? upstream['informational'] : [])
    .map(object)
    .map((each) => head(number(each['status']) ?? 103, 'Interim', expanded(each['headers'])))

  const option = (name: string): unknown => upstream[name] ?? framing[name]
  const transforms = texts(upstream['body_transform'])
  const whole = expansion.encodeBody(expand(upstream['body']), transforms)
  const listed = option('chunks')
  const chunks = Array.isArray(listed)
    ? listed.map((each) => Buffer.from(expand(each), 'utf8'))
    : cut(whole, number(option('chunk_size')) ?? number(framing['split']))
  const trailers = expanded(option('trailers'))
  const pause = number(option('delay_ms')) ?? number(framing['pause_ms']) ?? 5
  const isChunked = option('chunked') === true || trailers.length > 0 || chunks.length > 1
  const reset = framing['reset_after_body'] === true
  const closes = framing['close_after_body'] === true || framing['close'] === true
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const framed: readonly (readonly [string, string])[] = isChunked
    ? [['Transfer-Encoding', 'chunked']]
    : closes
      ? [['Connection', 'close']]
      : // What is broken off was to be longer.
        [['Content-Length', String(reset ? length + 1_000 : length)]]
  const status = number(upstream['status']) ?? 200
  const start = head(status, expand(upstream['reason'] ?? 'Whatever'), [
    ...expanded(upstream['headers']),
    ...framed,
  ])
  const pieces: (Buffer | number)[] = [...interim, start]
  for (const chunk of chunks) {
    if (chunk.length === 0) continue
    pieces.push(
      isChunked
        ? Buffer.concat([
            Buffer.from(`${chunk.length.toString(16)}\r\n`),
            chunk,
            Buffer.from('\r\n'),
          ])
        : chunk,
      pause,
    )
  }
  if (isChunked && !reset)
    pieces.push(
      Buffer.from(`0\r\n${trailers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`, 'utf8'),
    )
  return { pieces, after: reset ? 'reset' : closes ? 'end' : 'keep' }
}

function cut(body: Buffer, size: number | undefined): Buffer[] {
  if (size === undefined || size < 1) return [body]
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; at += size) chunks.push(body.subarray(at, at + size))
  return chunks
}

/** graphql.json: one request, tried with each capability that the case names. */
import { number, object, pairs, text, texts, unknownMembers, type Case } from './cases.ts'
import type { Detector } from './detector.ts'
import { observedOf, upstreamOf, type Outcome } from './result.ts'
import { judge } from './verdict.ts'
import { watch } from './watch.ts'
import { send } from './wire.ts'
import { named, type Provider, type Wanted, type World } from './world.ts'

type Try = { readonly name: string; readonly wanted: Wanted; readonly expected: string }

export async function runGraphql(world: World, detector: Detector, each: Case): Promise<Outcome> {
  const notes: string[] = []
  const observed: Record<string, unknown> = {}
  const upstream: Outcome['upstream'][number][] = []
  const choices: Record<string, 'allow' | 'deny'> = {}
  const unknown = unknownMembers(each.request, [
    'method',
    'path',
    'headers',
    'body',
    'body_transform',
    'framing',
  ])
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)
  for (const { name, wanted, expected } of triesOf(each)) {
    const held = await world.capability(wanted)
    if ('refused' in held) {
      // A grant that nobody can mint is as good as a refusal.
      observed[name] = { outcome: 'no_such_grant', detail: held.refused }
      if (expected !== 'deny') notes.push(`${name}: no such grant can be minted: ${held.refused}`)
      continue
    }
    const bytes = requestBytes(world, each, held.token)
    const watched = await watch(
      world,
      { detector, limits: object(each.expect['limits']) },
      async () => ({
        sent: bytes,
        exchanges: [await send(world.brokers.first.port, [bytes], { answers: 1, idle: 10_000 })],
      }),
    )
    const verdict = judge(world, each, expected, watched)
    observed[name] = observedOf(watched)
    upstream.push(...upstreamOf(watched.forwarded, name))
    notes.push(...[...verdict.problems, ...watched.leaks].map((problem) => `${name}: ${problem}`))
    Object.assign(choices, verdict.choices)
  }
  return { observed, upstream, notes, choices }
}

function triesOf(each: Case): readonly Try[] {
  const tries: Try[] = []
  for (const [name, wanted] of Object.entries(named)) {
    const expected = text(each.expect[name])
    if (expected === undefined) continue
    // The read-only capability of GitHub's cases is GitHub's.
    const own = each.provider === 'github' ? named[`gh_${name}`] : undefined
    tries.push({ name, wanted: own ?? wanted, expected })
  }
  const custom = each.expect['custom']
  for (const wish of Array.isArray(custom) ? custom : []) {
    const { verbs, env, outcome } = object(wish)
    const place = env === 'staging' ? 'staging' : 'production'
    const provider = (each.provider ?? 'railway') as Provider
    tries.push({
      name: `${texts(verbs).join(',')} in ${place}`,
      wanted: { provider, verbs: texts(verbs), place },
      expected: text(outcome) ?? 'deny',
    })
  }
  return tries
}

function requestBytes(world: World, each: Case, token: string): Buffer {
  const { expansion, values } = world
  const expand = (value: string): string => expansion.expand(value, values)
  const { request } = each
  const body = expansion.encodeBody(
    expand(text(request['body']) ?? ''),
    texts(request['body_transform']),
  )
  const headers = pairs(request['headers']).map(([n, v]) => [expand(n), expand(v)] as const)
  const has = (name: string) => headers.some(([each]) => each.toLowerCase() === name)
  const chunk = chunkSize(request['framing'])
  const framed =
    has('content-length') || has('transfer-encoding')
      ? []
      : chunk !== undefined
        ? ['Transfer-Encoding: chunked']
        : body.length > 0 || request['method'] !== 'GET'
          ? [`Content-Length: ${String(body.length)}`]
          : []
  const head = [
    `${text(request['method']) ?? 'POST'} ${expand(text(request['path']) ?? '/')} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${values['PROXY_HOST'] ?? ''}`]),
    `Authorization: Bearer ${token}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...framed,
  ].join('\r\n')
  const payload = chunk === undefined || has('transfer-encoding') ? body : chunked(body, chunk)
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'utf8'), payload])
}

/** `framing` asks for chunks; how large they are it may say. */
function chunkSize(framing: unknown): number | undefined {
  if (framing === undefined || framing === null || framing === 'content-length') return undefined
  const { chunk_size: size, size: other } = object(framing)
  return number(size) ?? number(other) ?? 7
}

function chunked(body: Buffer, size: number): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const piece = body.subarray(at, at + size)
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

/** rest.json: request targets as they are, which ordinary clients would normalise. */
import { number, object, pairs, text, texts, unknownMembers, type Case } from './cases.ts'
import type { Detector } from './detector.ts'
import { observedOf, upstreamOf, type Outcome } from './result.ts'
import { judge } from './verdict.ts'
import { watch } from './watch.ts'
import { send } from './wire.ts'
import { named, type World } from './world.ts'

const known = [
  'method',
  'target',
  'headers',
  'headers_repeat',
  'body',
  'body_transform',
  'send_raw',
]

export async function runRest(world: World, detector: Detector, each: Case): Promise<Outcome> {
  const notes: string[] = []
  const observed: Record<string, unknown> = {}
  const upstream: Outcome['upstream'][number][] = []
  const choices: Record<string, 'allow' | 'deny'> = {}
  const unknown = unknownMembers(each.request, known)
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)
  for (const [name, wanted] of Object.entries(named)) {
    const expected = text(each.expect[name])
    if (expected === undefined) continue
    const held = await world.capability(wanted)
    if ('refused' in held) throw new Error(`${name}: ${held.refused}`)
    const bytes = requestBytes(world, each, held.token)
    const watched = await watch(
      world,
      { detector, limits: object(each.expect['limits']) },
      async () => ({
        sent: bytes,
        exchanges: [
          await send(world.brokers.first.port, [bytes], {
            answers: 1,
            idle: 10_000,
            head: each.request['method'] === 'HEAD',
          }),
        ],
      }),
    )
    const verdict = judge(world, each, expected, watched)
    observed[name] = observedOf(watched)
    upstream.push(...upstreamOf(watched.forwarded, name))
    notes.push(...[...verdict.problems, ...watched.leaks].map((problem) => `${name}: ${problem}`))
    // Where two capabilities differ in what they may do, only an allowed one shows the choice.
    for (const [decision, made] of Object.entries(verdict.choices))
      if (choices[decision] !== 'allow') choices[decision] = made
  }
  return { observed, upstream, notes, choices }
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
  const repeat = object(request['headers_repeat'])
  for (let i = 0; i < (number(repeat['count']) ?? 0); i++)
    headers.push([`${text(repeat['name_prefix']) ?? 'X-'}${String(i)}`, String(repeat['value'])])
  const has = (name: string) => headers.some(([each]) => each.toLowerCase() === name)
  // A case about carriers writes the capability itself.
  const carried = JSON.stringify(request['headers'] ?? []).includes('{{CAP_')
  const head = [
    `${text(request['method']) ?? 'GET'} ${expand(text(request['target']) ?? '/')} HTTP/1.1`,
    ...(has('host') ? [] : [`Host: ${values['PROXY_HOST'] ?? ''}`]),
    ...(carried ? [] : [`Authorization: Bearer ${token}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body.length === 0 || has('content-length') || has('transfer-encoding')
      ? []
      : [`Content-Length: ${String(body.length)}`]),
  ].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body])
}

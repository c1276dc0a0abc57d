/** raw_http.json: bytes that are nearly HTTP, and what comes of them. */
import { number, text, texts, unknownMembers, type Case } from './cases.ts'
import type { Detector } from './detector.ts'
import { upstreamOf, type Outcome } from './result.ts'
import { contains, watch } from './watch.ts'
import { send } from './wire.ts'
import { named, type World } from './world.ts'

const known = ['raw', 'auth', 'half_close', 'tail', 'pause_ms_before_tail']

export async function runRaw(
  world: World,
  detector: Detector,
  each: Case,
  idle: number,
): Promise<Outcome> {
  const { request, expect } = each
  const notes: string[] = []
  const unknown = unknownMembers(request, known)
  if (unknown.length > 0) notes.push(`not driven: the request has ${unknown.join(', ')}`)
  const wanted = named[text(request['auth']) ?? '']
  const held = wanted === undefined ? undefined : await world.capability(wanted)
  if (held !== undefined && 'refused' in held) throw new Error(held.refused)
  const values = {
    ...world.values,
    AUTH: held === undefined ? 'X-No-Auth: 1' : `Authorization: Bearer ${held.token}`,
  }
  const bytes = world.expansion.expandRaw(text(request['raw']) ?? '', values)
  const tail = Buffer.from(world.expansion.expand(text(request['tail']) ?? '', values), 'latin1')
  const pieces =
    tail.length === 0 ? [bytes] : [bytes, number(request['pause_ms_before_tail']) ?? 0, tail]

  const watched = await watch(world, { detector }, async () => ({
    sent: Buffer.concat([bytes, tail]),
    exchanges: [
      await send(world.brokers.first.port, pieces, {
        idle: idle + (number(request['pause_ms_before_tail']) ?? 0),
        halfClose: request['half_close'] === true,
        head: bytes.subarray(0, 5).toString('latin1') === 'HEAD ',
      }),
    ],
  }))
  const statuses = watched.answers.map((answer) => answer.status)
  const count = watched.forwarded.length
  notes.push(...watched.broken, ...watched.leaks)

  const most = number(expect['upstream_max'])
  const least = number(expect['upstream_min'])
  if (most !== undefined && count > most) notes.push(`${String(count)} requests were forwarded`)
  if (least !== undefined && count < least) notes.push(`only ${String(count)} were forwarded`)
  for (const needle of texts(expect['upstream_must_not_contain']))
    if (contains(watched.upstream, needle)) notes.push(`the provider got ${needle}`)
  const never = Array.isArray(expect['never_status']) ? (expect['never_status'] as unknown[]) : []
  for (const status of statuses)
    if (never.includes(status)) notes.push(`it answered ${String(status)}`)
  const refused = statuses.length === 0 || (statuses[0] ?? 0) >= 400
  const [first] = statuses
  // Told that it was refused, an agent would do it once more.
  if (refused && statuses.length > 0 && count > 0)
    notes.push(`it was forwarded, and answered ${String(first)} by the broker`)
  switch (text(expect['outcome'])) {
    case 'reject':
      if (!refused || count > 0) notes.push('it was not refused')
      break
    case 'reject_or_single':
      if (!refused && count !== 1) notes.push('it was neither refused nor forwarded once')
      break
    case 'single':
      if (count !== 1 || first === undefined || first >= 400)
        notes.push('it was not forwarded once')
      break
    case 'two':
      if (count !== 2 || statuses.some((status) => status >= 400))
        notes.push('it was not forwarded twice')
      break
    default:
      notes.push(`not driven: the outcome "${String(expect['outcome'])}" is not known here`)
  }
  const responses = number(expect['responses'])
  if (responses !== undefined && statuses.length !== responses)
    notes.push(`there were ${String(statuses.length)} answers, not ${String(responses)}`)
  const second = text(expect['second_status'])
  if (
    second !== undefined &&
    !new RegExp(`^${second.replaceAll('x', '.')}$`).test(String(statuses[1]))
  )
    notes.push(`the second answer was ${String(statuses[1])}, not ${second}`)
  if (watched.answers.length > 0 && watched.exchanges[0]?.rest.length !== 0)
    notes.push('there were bytes after the last answer')
  return {
    observed: { statuses, forwarded: count, closed: watched.exchanges[0]?.closed },
    upstream: upstreamOf(watched.forwarded),
    notes,
  }
}

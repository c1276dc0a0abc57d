/**
 * What may be done once, and a broker that is killed while it is being done. Here that is an approval: of the request
 * that it is for one leaves, whatever becomes of who sent it, and what nobody knows the end of is shown as that.
 */
import { until } from '../../test/support/until.ts'
import { openPerson } from './approvals.ts'
import { number, object, text, type Case } from './cases.ts'
import type { Detector } from './detector.ts'
import { probeBytes } from './probe.ts'
import { upstreamOf, type Outcome } from './result.ts'
import type { Received } from './upstream.ts'
import { watch } from './watch.ts'
import { jsonOf, send, type Exchange } from './wire.ts'
import type { Wanted, World } from './world.ts'

const wanted: Wanted = {
  provider: 'railway',
  verbs: ['volumeCreate'],
  place: 'staging',
  approval: 'always',
}

const creates = ({ body }: Received): boolean => body.includes('volumeCreate')

export async function runSingleUse(world: World, detector: Detector, each: Case): Promise<Outcome> {
  const { brokers, upstreams } = world
  const notes: string[] = []
  const probe = text(each.request['probe']) ?? ''
  const person = await openPerson(world)
  const capability = await world.capability(wanted)
  if ('refused' in capability) throw new Error(`no such grant: ${capability.refused}`)
  const steps = Array.isArray(each.request['steps']) ? each.request['steps'].map(object) : []
  if (steps.length !== 1 || steps[0]?.['op'] !== 'kill9_during_upstream')
    notes.push('not driven: its steps are not known here')
  const doomed = await brokers.program()
  // Also where something fails before that.
  world.onClose(async () => {
    doomed.kill('SIGKILL')
    await doomed.exited
  })
  const port = Number(new URL(doomed.url).port)
  const bytes = probeBytes(world, probe, capability.token, port)
  const ask = (to: number): Promise<Exchange> =>
    send(to, [probeBytes(world, probe, capability.token, to)], { answers: 1, idle: 10_000 })

  let id = ''
  const watched = await watch(world, { detector }, async () => {
    const asked = await ask(port)
    id = text(object(jsonOf(asked.answers[0])['approval'])['id']) ?? ''
    await person.approve(id)
    const before = upstreams.railway.received.length
    upstreams.railway.ignored = creates
    const cut = ask(port)
    await until('it has reached the provider', () =>
      upstreams.railway.received.slice(before).some(creates) ? true : undefined,
    )
    doomed.kill('SIGKILL')
    await doomed.exited
    const broken = await cut
    upstreams.railway.ignored = undefined
    // While it may still be on its way, and once whoever sent it counts as lost.
    const meanwhile = await ask(brokers.first.port)
    await brokers.first.broker.db
      .updateTable('approval')
      .set({ lease_until: new Date(0) })
      .where('state', '=', 'sending')
      .execute()
    await until('its sender counts as lost', async () =>
      (await person.read(id))['state'] === 'unknown' ? true : undefined,
    )
    return { sent: bytes, exchanges: [asked, broken, meanwhile, await ask(brokers.first.port)] }
  })
  notes.push(...watched.broken, ...watched.leaks)
  const codes = watched.exchanges.map((exchange) => text(jsonOf(exchange.answers[0])['code']))
  const most = number(each.expect['n']) ?? 1
  if (watched.forwarded.length > most)
    notes.push(`${String(watched.forwarded.length)} requests were forwarded`)
  // A broker that had sent nothing would show nothing either.
  if (watched.forwarded.length < 1) notes.push('nothing was forwarded, so nothing was tried')
  if (codes[0] !== 'approval_required') notes.push(`at first it answered ${String(codes[0])}`)
  if (codes[3] !== 'approval_used') notes.push(`at last it answered ${String(codes[3])}`)
  // The killed broker's intent is closed by another, once it counts as dead.
  world.beforeEnd(() =>
    until(
      'the intent of the killed broker is closed',
      async () => {
        const open = await brokers.first.broker.db.selectFrom('replica').select('id').execute()
        return open.length <= brokers.count() ? true : undefined
      },
      40_000,
    ).then(() => undefined),
  )
  return {
    observed: { codes: codes.map((code) => code ?? 'none'), forwarded: watched.forwarded.length },
    upstream: upstreamOf(watched.forwarded),
    notes,
  }
}

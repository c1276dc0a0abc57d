/** Rounds in which sixty-four calls over two broker processes want one approval, and the provider counts who came. */
import { startRailwayStandIn } from '../../test/support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../../test/support/railway-world.ts'
import { addVolume, gatedGrant, idOf, removal, removalsIn } from '../../test/support/gated.ts'
import { openGatedProcesses } from '../../test/support/gated-processes.ts'
import { until } from '../../test/support/until.ts'
import { railway } from '../../test/support/world.ts'

const calls = 64

export type RaceRound = {
  /** Requests that reached the provider. */
  readonly reached: number
  /** Calls that were given the provider's answer. */
  readonly through: number
  /** How the approval ended. */
  readonly state: string
  /** How many calls were given each answer, by its code. */
  readonly answers: Readonly<Record<string, number>>
}

export type Race = { round(): Promise<RaceRound>; close(): Promise<void> }

export async function openRace(): Promise<Race> {
  const standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'account', value: gatedGrant().secret },
  })
  const processes = await openGatedProcesses(
    standIn.origin,
    gatedGrant({ requests_per_minute: 100_000 }),
  ).catch(async (error: unknown) => {
    await standIn.close()
    throw error
  })
  const { approver, granted } = processes
  const [a] = processes.running
  const b = await processes.start()
  if (a === undefined) throw new Error('there is no broker')
  const brokers = [a, b] as const
  const api = await processes.api(a)

  return {
    async round() {
      standIn.log.length = 0
      const volume = addVolume(standIn.world, railwayIds.staging)
      const token = await processes.token(a)
      const id = idOf(await railway(a.url, token, removal(volume)))
      await approver.approve(id, a.url)
      const results = await Promise.all(
        Array.from({ length: calls }, (_, n) =>
          railway(brokers[n % 2 === 0 ? 0 : 1].url, token, removal(volume)),
        ),
      )
      const state = await until('it has ended', async () => {
        const approval = await api<{ state: string }>('GET', `/v1/approvals/${id}`)
        return approval.state === 'sending' ? undefined : approval.state
      })
      // Whoever came so late that it was over has asked for another: that one is not wanted.
      const { items } = await api<{ items: { id: string }[] }>(
        'GET',
        `/v1/approvals?agent=${granted.agentId}&state=pending`,
      )
      for (const late of items) await approver.cancel(late.id, a.url)
      const answers: Record<string, number> = {}
      for (const { status, json } of results) {
        const code = status === 200 ? 'through' : String(json['code'])
        answers[code] = (answers[code] ?? 0) + 1
      }
      return {
        reached: removalsIn(standIn, volume),
        through: answers['through'] ?? 0,
        state,
        answers,
      }
    },
    async close() {
      await processes.close()
      await standIn.close()
    },
  }
}

/**
 * A broker on a data directory of its own, killed at any moment under load, and started again. After each round: what
 * reached the provider has its intent, what an agent was answered on has its entry, and nothing is left open.
 */
import { chmod, mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { serverProcesses } from '../../src/db/cluster-leftover.ts'
import {
  operatorOf,
  startBrokerProcess,
  type BrokerProcess,
} from '../../test/support/broker-process.ts'
import { startRailwayStandIn } from '../../test/support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../../test/support/railway-world.ts'
import { until } from '../../test/support/until.ts'
import { grantOn, tokenRequest } from '../../test/support/world.ts'
import { checkAudit, lastEntry, openAudit, type Findings } from './check.ts'
import { startLoad } from './load.ts'

const secret = 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx'
const agents = 16
/** In milliseconds: how long after the first answer the broker is killed. */
const longestRound = 600
/** In milliseconds: less than the broker takes to start its database again. */
const withoutDatabase = 50

export type Round = Findings & {
  readonly sent: number
  readonly answered: number
  readonly forwarded: number
  /** Whether the database server was killed with it. */
  readonly both: boolean
}

export type Soak = {
  readonly dataDir: string
  /** The broker at present. */
  broker(): BrokerProcess
  round(killDatabase: boolean): Promise<Round>
  close(): Promise<void>
}

export async function openSoak(): Promise<Soak> {
  // Root's PostgreSQL runs as another user, who must be able to pass through.
  const base = await mkdtemp(join(await realpath('/tmp'), 'vk-soak-'))
  await chmod(base, 0o755)
  const dataDir = join(base, 'data')
  const standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'account', value: secret },
  })
  const variables = { VALETKEY_DATA_DIR: dataDir, VALETKEY_UPSTREAMS: `railway=${standIn.origin}` }
  let broker = await startBrokerProcess(variables)
  const granted = await grantOn(await operatorOf(broker), {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret,
  })

  async function killDatabase(): Promise<void> {
    const pg = join(dataDir, 'pg')
    for (const pid of await serverProcesses(pg, (await stat(pg)).uid)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended with the one before it.
      }
    }
  }

  return {
    dataDir,
    broker: () => broker,
    async round(both) {
      const before = await openAudit(dataDir)
      const since = await lastEntry(before)
      await before.end()
      const { status, body } = await tokenRequest(broker.url, granted.agentId, granted.agentKey)
      if (status !== 200) throw new Error(`/oauth/token answered ${String(status)}`)
      standIn.log.length = 0

      const load = startLoad(broker.url, String(body['access_token']), agents)
      await until('an agent is answered', () => (load.answered.length > 0 ? true : undefined))
      await sleep(randomInt(longestRound))
      if (both) {
        // First the database: a broker that forwards without waiting for its record has a moment to be found out.
        await killDatabase()
        await sleep(withoutDatabase)
      }
      broker.kill('SIGKILL')
      await broker.exited
      if (both) await killDatabase()
      load.stop()
      await load.stopped

      broker = await startBrokerProcess(variables)
      const client = await openAudit(dataDir)
      try {
        const forwarded = standIn.log.map((request) => request.body)
        const findings = await checkAudit(client, since, forwarded, load.answered)
        return {
          ...findings,
          both,
          sent: load.sent(),
          answered: load.answered.length,
          forwarded: forwarded.length,
        }
      } finally {
        await client.end()
      }
    },
    async close() {
      broker.kill('SIGTERM')
      await broker.exited
      // Where it did not end in order, its server is still there.
      await killDatabase()
      await standIn.close()
      await rm(base, { recursive: true, force: true })
    },
  }
}

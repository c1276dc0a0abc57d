/** Real brokers, as processes of their own on one database, before one provider: for what only another process shows. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openApprover, type Approver } from './approver.ts'
import { operatorOf, startBrokerProcess, type BrokerProcess } from './broker-process.ts'
import type { TestBroker } from './broker.ts'
import { testPublicUrl } from './browser.ts'
import { createTestDatabase } from './cluster.ts'
import { ownedBy } from './gated.ts'
import { urlOf, writeKekFile } from './keeper.ts'
import { grantOn, tokenRequest, type Granted, type GrantWish } from './world.ts'

export type GatedProcesses = {
  readonly connection: TestBroker['connection']
  readonly granted: Granted
  readonly approver: Approver
  /** Those that run at present. */
  readonly running: ReadonlySet<BrokerProcess>
  start(): Promise<BrokerProcess>
  /** Without a word: SIGKILL. */
  kill(broker: BrokerProcess): Promise<void>
  api: (broker: BrokerProcess) => Promise<TestBroker['api']>
  token(broker: BrokerProcess): Promise<string>
  close(): Promise<void>
}

/** With one broker that runs; `origin` is the provider's, which is Railway. */
export async function openGatedProcesses(origin: string, wish: GrantWish): Promise<GatedProcesses> {
  const database = await createTestDatabase()
  const directory = await mkdtemp(join(tmpdir(), 'vk-gated-'))
  const running = new Set<BrokerProcess>()
  const kek = join(directory, 'kek')
  const variables = {
    DATABASE_URL: urlOf(database.connection),
    PUBLIC_URL: testPublicUrl,
    VALETKEY_KEK_FILE: kek,
    VALETKEY_UPSTREAMS: `railway=${origin}`,
  }

  async function start(): Promise<BrokerProcess> {
    const broker = await startBrokerProcess(variables)
    running.add(broker)
    return broker
  }
  async function kill(broker: BrokerProcess): Promise<void> {
    broker.kill('SIGKILL')
    await broker.exited
    running.delete(broker)
  }
  async function close(): Promise<void> {
    for (const broker of running) await kill(broker)
    await database.drop()
    await rm(directory, { recursive: true, force: true })
  }

  try {
    await writeKekFile(kek, Buffer.alloc(32, 7))
    const operator = await operatorOf(await start())
    const granted = await grantOn(operator, wish)
    const approver = await openApprover(operator)
    await ownedBy(operator, granted, approver)
    return {
      connection: database.connection,
      granted,
      approver,
      running,
      start,
      kill,
      api: async (broker) => (await operatorOf({ url: broker.url, setupSecret: undefined })).api,
      async token({ url }) {
        const { status, body } = await tokenRequest(url, granted.agentId, granted.agentKey)
        if (status !== 200) throw new Error(`/oauth/token answered ${String(status)}`)
        return String(body['access_token'])
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

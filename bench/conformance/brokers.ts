/**
 * Real brokers for the cases: built by the same `openBroker` as in production, on an embedded PostgreSQL, two of them on
 * one database where a case asks for it. What they log is kept, line by line.
 */
import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { bootstrapOperator } from '../../src/bootstrap.ts'
import { openBroker, type Broker } from '../../src/broker.ts'
import { openUnhurriedDatabase, type Db } from '../../src/db/open.ts'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { startBrokerProcess, type BrokerProcess } from '../../test/support/broker-process.ts'
import { createTestDatabase } from '../../test/support/cluster.ts'
import { kekText, urlOf } from '../../test/support/keeper.ts'

export type Instance = {
  readonly url: string
  readonly port: number
  readonly broker: Broker
}

export type Api = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<{ readonly status: number; readonly body: unknown }>

export type Brokers = {
  readonly first: Instance
  /** The second, opened when it is first asked for. */
  second(): Promise<Instance>
  readonly admin: { readonly name: string; readonly password: string }
  /** A request to the first as the admin. */
  readonly api: Api
  /** A broker in a process of its own, on the same database, to be killed by who asked for it. */
  program(): Promise<BrokerProcess>
  /** Their database, for what takes longer to read than a broker would wait: what a flood has left in the log. */
  readonly database: Db
  /** How many brokers run in this process. */
  count(): number
  /** Lines of the log so far. */
  readonly log: readonly string[]
  close(): Promise<void>
}

const publicUrl = 'http://localhost:8474'
export const adminPassword = 'correct horse battery staple'

export async function openBrokers(upstreams: Readonly<Record<string, string>>): Promise<Brokers> {
  const database = await createTestDatabase()
  const unhurried = openUnhurriedDatabase(database.connection)
  const key = randomBytes(32)
  const log: string[] = []
  const logger = pino(
    { level: 'debug' },
    new Writable({
      write(chunk, _encoding, done) {
        log.push(String(chunk))
        done()
      },
    }),
  )
  const opened: Instance[] = []

  async function open(): Promise<Instance> {
    const broker = await openBroker({
      connection: database.connection,
      alone: false,
      publicUrl,
      kekSource: 'file',
      upstreams,
      app: { logger },
    })
    if ((await broker.unsealer.admit(kekFromBytes(Buffer.from(key)), 'file')) !== 'opened')
      throw new Error('the broker did not open')
    const url = await broker.app.listen({ port: 0, host: '127.0.0.1' })
    const instance = { url, port: Number(new URL(url).port), broker }
    opened.push(instance)
    return instance
  }

  const first = await open()
  const made = await bootstrapOperator(first.broker.db, Date.now())
  if (made === undefined) throw new Error('the database was not empty')

  let bearer: string | undefined
  const api: Api = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${first.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }
  const { name } = made
  const set = await api('POST', '/v1/setup', {
    name,
    setup_secret: made.setupSecret,
    password: adminPassword,
  })
  if (set.status !== 200) throw new Error(`the operator could not be set up: ${String(set.status)}`)
  const signedIn = await api('POST', '/v1/sign-in', {
    name,
    password: adminPassword,
  })
  bearer = (signedIn.body as { token: string }).token

  let second: Promise<Instance> | undefined
  return {
    first,
    second: () => (second ??= open()),
    program: () =>
      startBrokerProcess({
        DATABASE_URL: urlOf(database.connection),
        VALETKEY_KEK: kekText(key),
        PUBLIC_URL: publicUrl,
        VALETKEY_UPSTREAMS: Object.entries(upstreams)
          .map(([name, origin]) => `${name}=${origin}`)
          .join(),
      }),
    database: unhurried,
    count: () => opened.length,
    admin: { name, password: adminPassword },
    api,
    log,
    async close() {
      for (const { broker } of opened) await broker.close()
      await unhurried.destroy()
      await database.drop()
    },
  }
}

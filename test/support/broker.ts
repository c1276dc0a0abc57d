/**
 * A whole broker on a real PostgreSQL, built by the same `openBroker` as in production, listening on loopback. Only the
 * providers' origins are others: stand-ins that record what reaches them.
 */
import type { TestContext } from 'node:test'
import { randomBytes } from 'node:crypto'
import type { AppOptions } from '../../src/app.ts'
import { openBroker, type Broker, type BrokerOptions } from '../../src/broker.ts'
import { bootstrapOperator, firstOperatorName } from '../../src/bootstrap.ts'
import { kekFromBytes } from '../../src/vault/kek-key.ts'
import { createTestDatabase } from './cluster.ts'

export type TestBroker = {
  readonly url: string
  readonly broker: Broker
  readonly admin: { readonly name: string; readonly password: string; readonly bearer: string }
  readonly connection: BrokerOptions['connection']
  /** Another broker on the same database and key, on another port; `connection`: by another way to that database. */
  replica(
    connection?: BrokerOptions['connection'],
  ): Promise<{ readonly url: string; readonly broker: Broker }>
  /** A request as the admin, in JSON. Fails the test where the status is not the one expected. */
  api<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    expected?: number,
  ): Promise<T>
  close(): Promise<void>
}

export type TestBrokerOptions = Partial<
  Pick<
    BrokerOptions,
    | 'upstreams'
    | 'tokenServices'
    | 'egress'
    | 'now'
    | 'sharedNow'
    | 'kekSource'
    | 'identity'
    | 'passwords'
  >
> & {
  readonly publicUrl?: string
  /** 32 bytes: the key-encryption key, for who needs to know it. */
  readonly key?: Buffer
  /** A migrated, empty database; by default one of the tests' cluster. */
  readonly database?: TestDatabase
  /** The database is one that a broker has worked on: its operators are there already. */
  readonly existing?: boolean
  /** The broker's own TLS, for the replicas only: this test's API goes to the first broker, in the clear. */
  readonly replicaTls?: AppOptions['tls']
}

export type TestDatabase = {
  readonly connection: BrokerOptions['connection']
  readonly drop: () => Promise<void>
}

function movedWith(now: (() => number) | undefined): BrokerOptions['sharedNow'] {
  return now === undefined ? undefined : () => Promise.resolve(now())
}

export const adminPassword = 'correct horse battery staple'

/** `t` closes the broker when its test ends; `undefined` leaves that to the caller. */
export async function openTestBroker(
  t: TestContext | undefined,
  options: TestBrokerOptions = {},
): Promise<TestBroker> {
  const database: TestDatabase = options.database ?? (await createTestDatabase())
  const key = options.key ?? randomBytes(32)
  const publicUrl = options.publicUrl ?? 'http://localhost:8474'
  const opened: Broker[] = []

  async function open(
    connection: BrokerOptions['connection'] = database.connection,
    tls?: AppOptions['tls'],
  ): Promise<{ url: string; broker: Broker }> {
    const broker = await openBroker({
      connection,
      alone: false,
      publicUrl,
      kekSource: options.kekSource ?? 'file',
      upstreams: options.upstreams ?? {},
      tokenServices: options.tokenServices,
      app: { logger: undefined, tls },
      ...(options.egress === undefined ? {} : { egress: options.egress }),
      ...(options.now === undefined ? {} : { now: options.now }),
      identity: options.identity,
      ...(options.passwords === undefined ? {} : { passwords: options.passwords }),
      // A test that moves the brokers' clock moves the database's with it, unless it is about the two.
      sharedNow: options.sharedNow ?? movedWith(options.now),
      // The least that argon2 takes: what a password costs for real is test/http/password.test.ts's to say.
      passwordCost: { memoryCost: 1_024, timeCost: 2 },
    })
    opened.push(broker)
    if (broker.deps.unsealer !== undefined && (options.kekSource ?? 'file') === 'file') {
      const result = await broker.unsealer.admit(kekFromBytes(Buffer.from(key)), 'file')
      if (result !== 'opened') throw new Error('the test broker did not open')
    }
    const url = await broker.app.listen({ port: 0, host: '127.0.0.1' })
    return { url, broker }
  }

  const { url, broker } = await open()
  const first = await bootstrapOperator(broker.db, Date.now())
  if ((first === undefined) !== (options.existing ?? false))
    throw new Error('the test database was not as empty as it should be')
  const name = first?.name ?? firstOperatorName

  let bearer = ''
  async function api<T>(
    method: string,
    path: string,
    body?: unknown,
    expected?: number,
  ): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const good = expected === undefined ? response.ok : response.status === expected
    if (!good) throw new Error(`${method} ${path} answered ${String(response.status)}: ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }

  if ((options.kekSource ?? 'file') === 'file') {
    if (first !== undefined)
      await api('POST', '/v1/setup', {
        name,
        setup_secret: first.setupSecret,
        password: adminPassword,
      })
    const signedIn = await api<{ token: string }>('POST', '/v1/sign-in', {
      name,
      password: adminPassword,
    })
    bearer = signedIn.token
  }

  let closed = false
  async function close(): Promise<void> {
    if (closed) return
    closed = true
    for (const each of opened) await each.close()
    await database.drop()
  }
  t?.after(close)

  return {
    url,
    broker,
    admin: { name, password: adminPassword, bearer },
    connection: database.connection,
    replica: (connection) => open(connection, options.replicaTls),
    api,
    close,
  }
}

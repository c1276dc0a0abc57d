/**
 * Opens the database. Every wait is bounded: a database that hangs must look like one that is gone, because the broker
 * then refuses (I3) instead of queueing requests behind it.
 */
import { Kysely, PostgresDialect, type PostgresPoolClient, type Transaction } from 'kysely'
import pg from 'pg'
import type { Database } from './types.ts'

export type Db = Kysely<Database>
export type Tx = Transaction<Database>

export type Connection =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'socket'
      readonly directory: string
      readonly user: string
      readonly database: string
      readonly port: number
    }

/** How long any statement may take before the broker counts the database as gone, in milliseconds. */
export const statementTimeout = 900

export function poolConfig(connection: Connection, max: number): pg.PoolConfig {
  const where =
    connection.kind === 'url'
      ? { connectionString: connection.url }
      : {
          host: connection.directory,
          port: connection.port,
          user: connection.user,
          database: connection.database,
          // A Unix socket has no TLS; without this, PGSSLMODE in the environment would ask for it.
          ssl: false,
        }
  return {
    ...where,
    max,
    application_name: 'valetkey',
    connectionTimeoutMillis: statementTimeout,
    query_timeout: statementTimeout,
    statement_timeout: statementTimeout * 2,
    idle_in_transaction_session_timeout: 5_000,
    keepAlive: true,
    // synchronous_commit may be off by a role's default; what we answered on must be on disk.
    options: '-c synchronous_commit=on -c timezone=UTC',
  }
}

/** A pool of plain connections, for the audit log's own statement. */
export function openPool(connection: Connection, max: number): pg.Pool {
  const pool = new pg.Pool(poolConfig(connection, max))
  // A connection that breaks is replaced at the next use, whether it is idle or between two statements of a transaction;
  // unhandled, either event would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

export function openDatabase(connection: Connection, max = 10): Db {
  const pool = openPool(connection, max)
  const connect = async (): Promise<PostgresPoolClient> => notTwice(await pool.connect())
  return new Kysely<Database>({
    dialect: new PostgresDialect({
      pool: { options: pool.options, connect, end: () => pool.end() },
    }),
  })
}

/**
 * A connection on which a statement ran out of time is not used again. Kysely would give it back to the pool, where the
 * next statement waits behind the one that hangs: once a network had dropped all connections without a word, none would
 * work again until TCP gives up, a quarter of an hour later.
 */
function notTwice(client: pg.PoolClient): PostgresPoolClient {
  let broken: Error | undefined
  const query = async (text: string, values: readonly unknown[]): Promise<pg.QueryResult> => {
    if (broken !== undefined) throw broken
    try {
      return await client.query(text, [...values])
    } catch (error) {
      // What the server itself says comes over a connection that works.
      if (!(error instanceof pg.DatabaseError))
        broken = error instanceof Error ? error : new Error('the connection broke')
      throw error
    }
  }
  return {
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy === true || broken !== undefined),
  }
}

/** For migrations, backup and rewrap, which may take as long as they take. */
export function openUnhurriedDatabase(connection: Connection): Db {
  const {
    query_timeout: _q,
    statement_timeout: _s,
    idle_in_transaction_session_timeout: _i,
    ...config
  } = poolConfig(connection, 2)
  const pool = new pg.Pool(config)
  pool.on('error', () => undefined)
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}

/** A single client outside any pool, for LISTEN. */
export function newClient(connection: Connection): pg.Client {
  const { max: _max, query_timeout: _q, ...config } = poolConfig(connection, 1)
  return new pg.Client(config)
}

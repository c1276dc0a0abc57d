/** A provider’s token, an agent’s key, a password: looked for in every table, answer and line of the log. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { pino } from 'pino'
import { Writable } from 'node:stream'
import { buildApp } from '../../src/app.ts'
import { adminPassword } from '../support/broker.ts'
import { entries, openStage, read, secret } from '../support/stage.ts'
import { railway } from '../support/world.ts'
import { until } from '../support/until.ts'

/** What somebody with the bytes would look for. */
function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  return [value, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]
}

test('a secret', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { db, deps } = broker.broker
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  // The same broker behind a second door that logs everything it can.
  const app = await buildApp(deps, { logger: pino({ level: 'trace' }, sink) })
  t.after(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const second = 'rw_live_second+/=Version~of_the_token'
  const answers: string[] = []
  const send = async (method: string, path: string, body?: unknown, auth = broker.admin.bearer) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${auth}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    answers.push(`${JSON.stringify([...response.headers])} ${text}`)
    return { status: response.status, text }
  }

  const { credentialId, environmentId } = granted
  const credential = { name: 'c2', provider: 'railway', environment: environmentId, secret: second }
  const password = adminPassword
  // What works, and what fails in every way that is at hand, each holding the secret.
  const stored = await send('POST', '/v1/credentials', { ...credential, password })
  assert.equal(stored.status, 201, stored.text)
  const wrong: unknown[] = [
    { ...credential, password },
    { ...credential, name: 'c3', password: 'wrong password' },
    { ...credential, name: 'c3', password, provider: 'nope' },
    { ...credential, name: 'c3', password, style: 'nope' },
    { ...credential, name: 'c3', password, origin: 'http://127.0.0.1:1' },
    { ...credential, name: 'c3', password, environment: 'env_00000000000000000000000000' },
    { ...credential, name: 'c3', password, nope: second },
    { ...credential, name: 'c3', password, secret: `${second}\r\nx: y` },
    { ...credential, name: 'c3', password, secret: [second] },
    `{"secret":"${second}",`,
  ]
  for (const body of wrong) {
    const { status } = await send('POST', '/v1/credentials', body)
    assert.ok(status >= 400 && status < 500, String(status))
  }
  await send('POST', `/v1/credentials/${credentialId}/versions`, { secret: second, password })
  await send('GET', '/v1/credentials')
  await send('GET', `/v1/credentials/${credentialId}`)
  await send('GET', '/v1/audit?limit=200')
  const token = await granted.token()
  upstream.behave((response) => response.writeHead(500).end(`no: Bearer ${second}`))
  await send('POST', '/proxy/railway/graphql/v2', read, token)
  upstream.behave((response) => response.destroy())
  await send('POST', '/proxy/railway/graphql/v2', read, token)
  await send('POST', `/proxy/railway/graphql/v2?token=${second}`, read, token)
  await sql`alter table "grant" rename to grant_away`.execute(db)
  await send('GET', `/v1/grants?agent=${granted.agentId}`)
  await sql`alter table grant_away rename to "grant"`.execute(db)
  await until('the outcomes are written', () => (deps.audit.backlog === 0 ? true : undefined))
  const secrets = [secret, second, granted.agentKey, adminPassword]

  await t.test('is in no table, in any of its spellings', async () => {
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'public'
    `.execute(db)
    assert.ok(tables.rows.length > 15)
    let seen = 0
    for (const { name } of tables.rows) {
      const { rows } = await sql<{ text: string }>`
        select row_to_json(t)::text as text from ${sql.table(name)} t
      `.execute(db)
      for (const { text } of rows) {
        seen++
        // bytea comes as hex, which is one of the spellings; so is JSON's escape of a slash.
        for (const value of secrets)
          for (const spelling of spellings(value))
            assert.ok(
              !text.includes(spelling) && !text.includes(JSON.stringify(spelling).slice(1, -1)),
              `${name} holds a secret`,
            )
      }
    }
    assert.ok(seen > 30)
  })

  await t.test('is in no answer, whether it went well or not', () => {
    assert.ok(answers.length > 15)
    for (const text of answers)
      for (const value of secrets)
        for (const spelling of spellings(value)) assert.ok(!text.includes(spelling), text)
  })

  await t.test('is in no line of the log, not even beside an internal error', () => {
    assert.ok(
      lines.some((line) => line.includes('internal error')),
      'an internal error was logged',
    )
    for (const line of lines)
      for (const value of [...secrets, token, broker.admin.bearer])
        for (const spelling of spellings(value)) assert.ok(!line.includes(spelling), line)
  })

  await t.test(
    'is in no entry of the audit, and neither is a body, a header or a query',
    async () => {
      for (const entry of await entries(broker)) {
        const text = JSON.stringify(entry)
        for (const value of [...secrets, token]) assert.ok(!text.includes(value))
        assert.ok(!/authorization|graphql\/v2\?|environment\(id/i.test(text), text)
      }
    },
  )

  await t.test(
    'and the inside of the broker are in no problem: no stack, no statement, no table',
    async () => {
      const problems = answers.filter((text) => text.includes('application/problem+json'))
      assert.ok(problems.length > 10)
      assert.ok(problems.some((text) => text.includes('"code":"internal"')))
      for (const text of problems)
        assert.ok(
          !/ {4}at |node_modules|\.ts:|select |insert |\brelation\b|_pkey|_key"|SQLSTATE|127\.0\.0\.1:[0-9]+.*stack/i.test(
            text,
          ),
          text,
        )
    },
  )

  await t.test('of the wrong shape is refused by the name of its field', async () => {
    const before = upstream.received.length
    const { status, text } = await send('POST', '/v1/credentials', {
      ...credential,
      name: 'c4',
      secret: 'a\nb\nc\nd\ne\nf',
      password,
    })
    assert.equal(status, 400)
    assert.ok(text.includes('/secret'))
    assert.equal(upstream.received.length, before)
    assert.equal((await railway(broker.url, token, read)).status, 502)
  })
})

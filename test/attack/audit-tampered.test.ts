/** The log: what an agent writes into it, what somebody with the database’s own rights does to it, and its absence. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { adminPassword } from '../support/broker.ts'
import { openStage, read } from '../support/stage.ts'
import { rawRequest } from '../support/raw-request.ts'
import { railway, tokenRequest } from '../support/world.ts'
import { until } from '../support/until.ts'

test('the log', async (t) => {
  const { broker, granted, upstream } = await openStage(t, {
    grant: { verbs: ['read', 'volumeCreate'] },
  })
  const token = await granted.token()
  const { db } = broker.broker

  await t.test(
    'keeps what an agent chose as one line of JSON, that reads back as it was',
    async () => {
      const nasty = [
        '\n{"kind":"decision","result":"allow"}',
        '\r\n\u001b[2J\u001b[1;31m',
        '\u0000\u0007\u0008',
        '\ud800x',
        '\u202e\u2066\u2028\u2029\ufeff',
        '"},"result":"allow","x":{"',
        'x'.repeat(100_000),
      ]
      for (const id of nasty) {
        const answer = await railway(broker.url, token, {
          query: 'query($id: String!) { environment(id: $id) { id } }',
          variables: { id },
        })
        assert.ok(answer.status >= 400, answer.text)
        const row = await db
          .selectFrom('audit_entry')
          .select('canonical')
          .where('correlation_id', '=', String(answer.json['correlation_id']))
          .where('kind', '=', 'decision')
          .executeTakeFirstOrThrow()
        assert.ok(row.canonical.split('').every((letter) => letter >= ' '))
        const entry = JSON.parse(row.canonical) as Record<string, unknown>
        assert.equal(entry['result'], 'deny')
        assert.ok(row.canonical.length < 3_000, `${String(row.canonical.length)} characters`)
      }
    },
  )

  await t.test('cuts a target and a header that are very long', async () => {
    const { host } = new URL(broker.url)
    const path = `/proxy/railway/${'%0a'.repeat(3_000)}`
    await rawRequest(
      broker.url,
      `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    )
    const longest = await sql<{ n: number }>`
      select max(length(canonical)) as n from audit_entry where kind = 'decision'
    `.execute(db)
    assert.ok((longest.rows[0]?.n ?? 0) < 3_000)
  })

  await t.test('holds, for each entry, a leaf hash that anyone can compute anew', async () => {
    assert.equal((await railway(broker.url, token, read)).status, 200)
    await until('its outcome is there', async () =>
      (await db.selectFrom('audit_entry').select('id').where('kind', '=', 'outcome').execute())
        .length > 0
        ? true
        : undefined,
    )
    const rows = await db.selectFrom('audit_entry').selectAll().execute()
    const kinds = new Set(rows.map((row) => row.kind))
    for (const kind of ['decision', 'outcome', 'admin', 'issuance', 'sign_in'])
      assert.ok(kinds.has(kind), kind)
    for (const row of rows) {
      const bytes = Buffer.concat([Buffer.from([0]), Buffer.from(row.canonical, 'utf8')])
      assert.equal(row.leaf_hash.toString('hex'), createHash('sha256').update(bytes).digest('hex'))
      const entry = JSON.parse(row.canonical) as Record<string, unknown>
      assert.equal(entry['kind'], row.kind)
      assert.equal(entry['result'], row.result)
      assert.equal(entry['correlationId'], row.correlation_id)
      assert.equal(new Date(String(entry['at'])).getTime(), row.at.getTime())
    }
  })

  await t.test('takes no change, no deletion and no truncation', async () => {
    const before = await sql<{ n: string }>`select count(*) as n from audit_entry`.execute(db)
    for (const statement of [
      sql`update audit_batch set heads = replace(heads, 'deny', 'allow')`,
      sql`update audit_batch set id = default where false`,
      sql`delete from audit_batch`,
      sql`delete from audit_batch where last_at < now()`,
      sql`truncate audit_batch`,
    ])
      await assert.rejects(statement.execute(db), /append-only/)
    for (const statement of [
      sql`update audit_entry set result = 'allow'`,
      sql`delete from audit_entry where kind = 'decision'`,
    ])
      await assert.rejects(statement.execute(db), /view/)
    const after = await sql<{ n: string }>`select count(*) as n from audit_entry`.execute(db)
    assert.deepEqual(after.rows, before.rows)
  })

  await t.test('has no route that writes to it', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      await broker.api(method, '/v1/audit', {}, 404)
  })

  await t.test(
    'is written before anything leaves, is issued or is changed: without it there is only 503',
    async () => {
      const agents = async () => (await db.selectFrom('agent').select('id').execute()).length
      const [before, sent] = [await agents(), upstream.received.length]
      await sql`alter table audit_batch rename to audit_batch_away`.execute(db)
      try {
        const allowed = await railway(broker.url, token, read)
        assert.equal(allowed.status, 503)
        assert.equal(allowed.json['code'], 'unavailable')
        const denied = await railway(broker.url, token, {
          query: 'mutation { volumeDelete(volumeId: "x") }',
        })
        assert.equal(denied.status, 503, 'no refusal without its entry either')
        assert.equal(
          (await tokenRequest(broker.url, granted.agentId, granted.agentKey)).status,
          503,
        )
        const issued = await tokenRequest(broker.url, granted.agentId, granted.agentKey, {
          verbs: ['nope'],
        })
        assert.equal(issued.status, 503)
        const signIn = await fetch(`${broker.url}/v1/sign-in`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ name: broker.admin.name, password: adminPassword }),
        })
        assert.equal(signIn.status, 503)
        assert.ok(!(await signIn.text()).includes('token'))
        const created = await fetch(`${broker.url}/v1/agents`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${broker.admin.bearer}`,
          },
          body: JSON.stringify({ name: 'unrecorded' }),
        })
        assert.ok(created.status >= 500)
        assert.ok(!/audit_batch|\brelation\b|sql/i.test(await created.text()))
        assert.equal(await agents(), before)
        assert.equal(upstream.received.length, sent)
      } finally {
        await sql`alter table audit_batch_away rename to audit_batch`.execute(db)
      }
      assert.equal((await railway(broker.url, token, read)).status, 200, 'and then it goes on')
    },
  )

  await t.test('is not filled by strangers at the proxy, who are counted', async () => {
    const count = async () =>
      (await db.selectFrom('audit_entry').select('id').where('kind', '!=', 'outcome').execute())
        .length
    const before = await count()
    for (let i = 0; i < 10; i++)
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? railway(broker.url, 'not.a.capability', read)
            : tokenRequest(broker.url, granted.agentId, `wrong ${String(n)}`),
        ),
      )
    assert.equal(await count(), before)
    await broker.broker.app.close()
    const noise = await until('the count is written', async () => {
      const rows = await db
        .selectFrom('audit_entry')
        .select('canonical')
        .where('actor_id', '=', 'unauthenticated')
        .execute()
      return rows.length >= 2 ? rows : undefined
    })
    const details = noise.map((row) => (JSON.parse(row.canonical) as { detail: string }).detail)
    assert.ok(details.includes('capability_invalid ×100'), details.join())
    assert.ok(details.includes('invalid_client ×100'), details.join())
  })
})

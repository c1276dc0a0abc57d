/**
 * A real token of a provider's, which somebody pasted where a capability belongs. It is of the same shape as a handle; all
 * the same it is looked up nowhere, kept nowhere, written to no log, sent to nobody, and not said back.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import { ownForm } from '../support/handle.ts'
import { entries, openStage, read } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { railway } from '../support/world.ts'

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const word = (length: number): string =>
  Array.from(randomBytes(length), (byte) => letters[byte % 62]).join('')

const real: Readonly<Record<string, string>> = {
  stripe: `rk_test_${word(99)}`,
  'stripe, as long as ours': `rk_test_${word(40)}`,
  supabase: `sbp_${randomBytes(20).toString('hex')}`,
  digitalocean: `dop_v1_${randomBytes(32).toString('hex')}`,
  github: `ghp_${word(36)}`,
  openai: `sk-proj-${word(156)}`,
  anthropic: `sk-ant-api03-${word(93)}-AA`,
  railway: '0b6c5a1e-6f0d-4a7e-9a51-8c2f3d1e4b5a',
  vercel: word(24),
  'the default’s shape': `vkh_${word(40)}`,
}

test('a real token of a provider’s in place of a capability', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  const { deps } = broker.broker
  const asked: unknown[] = []
  const log: string[] = []
  const find = deps.handles.find.bind(deps.handles)
  const sink = { write: (line: string) => void log.push(line) }
  const app = await buildApp(deps, { logger: pino({ level: 'trace' }, sink) })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  const own = { client_id: granted.agentId, client_secret: granted.agentKey }

  for (const [provider, token] of Object.entries(real)) {
    await t.test(`is refused, and nothing of it is left anywhere: ${provider}`, async () => {
      assert.equal((await find(token)).ok, false)
      const answer = await railway(url, token, read)
      assert.equal(answer.status, 401)
      assert.equal(answer.json['code'], 'capability_invalid')
      assert.match(String(answer.json['detail']), /if it is a token of the provider itself/)
      asked.push(answer.text, [...answer.headers])
      for (const headers of [
        { 'x-api-key': token },
        { 'project-access-token': token },
        { authorization: `DPoP ${token}` },
        { authorization: `token ${token}` },
      ] as Record<string, string>[]) {
        const response = await fetch(`${url}/proxy/railway/graphql/v2`, { method: 'POST', headers })
        assert.equal(response.status, 401)
        asked.push(await response.text(), [...response.headers])
      }
      const elsewhere = await fetch(`${url}/v1/access-requests/own`, {
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(elsewhere.status, 401)
      asked.push(await elsewhere.text())
      for (const path of ['/oauth/introspect', '/oauth/revoke'])
        asked.push((await ownForm(url, path, { ...own, token })).body)
    })
  }

  await t.test('which is so in answers, logs, the audit log and all tables', async () => {
    // What the doors have counted is written when they close.
    await app.close()
    const tables = ['audit_entry', 'handle', 'replay', 'capability_revocation'] as const
    const rows: unknown[] = [
      await until('they are counted', async () => {
        const written = await entries(broker)
        return JSON.stringify(written).includes('proxy.unauthenticated') ? written : undefined
      }),
    ]
    for (const table of tables)
      rows.push(await broker.broker.db.selectFrom(table).selectAll().execute())
    const kept = JSON.stringify([asked, log, rows, upstream.received], (_key, value: unknown) =>
      Buffer.isBuffer(value) ? value.toString('hex') : value,
    )
    assert.ok(log.length > 0)
    for (const token of Object.values(real)) {
      const core = token.replace(/^.*[_-](?=.)/, '').slice(0, 16)
      for (const shown of [
        core,
        createHash('sha256').update(token).digest('hex'),
        createHash('sha256').update(token).digest('base64url'),
      ])
        assert.ok(!kept.includes(shown), shown)
    }
    assert.deepEqual(upstream.received, [])
  })
})

/** The broker with everything on, through the same `openBroker` as in production, on an embedded PostgreSQL. */
import { sql } from 'kysely'
import { openUnhurriedDatabase } from '../../src/db/open.ts'
import { adminPassword, openTestBroker } from '../../test/support/broker.ts'
import { newTestKey } from '../../test/support/client-assertion.ts'
import { startIssuerServer } from '../../test/support/issuer-server.ts'
import { grantOn } from '../../test/support/world.ts'
import { environment } from './request.ts'

const upstream = process.argv[2] ?? ''
const broker = await openTestBroker(undefined, { upstreams: { railway: upstream } })
const granted = await grantOn(broker, {
  provider: 'railway',
  bindings: [{ provider: 'railway', kind: 'environment', id: environment }],
  secret: 'rw_live_9f8Zq+/T0k3n=Canary~7Yh2LmPx',
  grant: { max_lifetime_seconds: 900 },
})
const key = newTestKey()
await broker.api('POST', `/v1/agents/${granted.agentId}/public-keys`, { jwk: key.publicJwk })
const issuer = await startIssuerServer(undefined, 'EdDSA')
const { id: issuerId } = await broker.api<{ id: string }>('POST', '/v1/trust-issuers', {
  issuer: issuer.issuer,
  internal: true,
  platform: 'other',
  password: adminPassword,
})
await broker.api('POST', '/v1/trust-rules', {
  name: 'jobs',
  issuer: issuerId,
  agent: granted.agentId,
  conditions: [{ claim: 'project', equals: 'bench' }],
  password: adminPassword,
})
// Counting takes longer than the broker lets any statement of its own take.
const unhurried = openUnhurriedDatabase(broker.connection)
const { rows } = await sql<{ durable: boolean }>`
  select current_setting('fsync')::boolean and current_setting('synchronous_commit') = 'on' as durable
`.execute(unhurried)
if (rows[0]?.durable !== true) throw new Error('fsync or synchronous_commit is off')
const count = async (kind: string, result?: string): Promise<number> => {
  let query = unhurried
    .selectFrom('audit_entry')
    .select((e) => e.fn.countAll<string>().as('n'))
    .where('kind', '=', kind)
  if (result !== undefined) query = query.where('result', '=', result)
  return Number((await query.executeTakeFirstOrThrow()).n)
}
process.send?.({
  url: broker.url,
  token: await granted.token(),
  agentId: granted.agentId,
  agentKey: granted.agentKey,
  privateKey: key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
  issuer: issuer.issuer,
  issuerKeyId: issuer.key.jwk['kid'],
  issuerKey: issuer.key.privateKey.export({ format: 'pem', type: 'pkcs8' }),
})
process.on('message', (message) => {
  if (message !== 'count') return
  void (async () => {
    // Outcomes follow their intents within a moment; the load has ended.
    for (let i = 0; i < 100 && broker.broker.audit.backlog > 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    process.send?.({
      intents: await count('decision', 'allow'),
      outcomes: await count('outcome'),
      issued: await count('issuance', 'issued'),
    })
  })()
})
process.on(
  'disconnect',
  () =>
    void unhurried
      .destroy()
      .then(() => broker.close())
      .then(() => process.exit(0)),
)

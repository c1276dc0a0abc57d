/** Whoever writes to the database, or stands where a token service stood, and would have the vault’s secret sent to them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CredentialId } from '../../src/ids.ts'
import {
  clientSecret,
  deleteLabel,
  firstRefreshToken,
  mintParameters,
  openMintedStage,
  readIssues,
  startTokenStandIn,
} from '../support/minted-stage.ts'

const evil = 'https://login.evil.example'

test('a minting secret goes where its parameters said when it was sealed, and nowhere else', async (t) => {
  const thief = await startTokenStandIn(t)
  const stage = await openMintedStage(t)
  const { broker, granted, provider, service } = stage
  const { db, deps } = broker.broker
  const id = granted.credentialId as CredentialId
  const token = await granted.token()
  assert.equal((await deleteLabel(broker.url, token)).status, 200)

  const secrets = [
    clientSecret,
    firstRefreshToken,
    ...service.issued.map((one) => one.refreshToken),
  ]
  /** Nothing in memory from before: as a replica that has just started. */
  const anew = (): void => {
    deps.policies.clear()
    deps.minter.clear()
    provider.seen.length = 0
    service.requests.length = 0
  }
  const original = await db
    .selectFrom('credential')
    .select(['mint', 'origin', 'style'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const changes: readonly (readonly [string, Record<string, string | null>])[] = [
    [
      'another token endpoint',
      {
        mint: JSON.stringify({ ...mintParameters, token_endpoint: `${thief.origin}/oauth/token` }),
      },
    ],
    [
      'a revocation endpoint of their own',
      { mint: JSON.stringify({ ...mintParameters, revocation_endpoint: `${evil}/oauth/revoke` }) },
    ],
    ['wider scopes', { mint: JSON.stringify({ ...mintParameters, scopes: ['admin'] }) }],
    ['another kind', { mint: JSON.stringify({ kind: 'railway' }) }],
    ['no minting at all, as if the secret went out itself', { mint: null }],
    ['another origin', { origin: thief.origin }],
    ['another style', { style: 'authorization-token' }],
  ]
  for (const [what, change] of changes) {
    await t.test(`with ${what} in its row, it opens no more`, async () => {
      await db.deleteFrom('credential_minted').execute()
      await db.updateTable('credential').set(change).where('id', '=', id).execute()
      anew()
      assert.notEqual((await deleteLabel(broker.url, token)).status, 200)
      assert.equal((await readIssues(broker.url, token)).status, 503)
      assert.deepEqual(thief.requests, [])
      assert.deepEqual(service.requests, [])
      const sent = JSON.stringify(provider.seen)
      for (const secret of secrets)
        assert.ok(!sent.includes(secret), 'nor did it go to the provider')
      const { mint, ...rest } = original
      await db
        .updateTable('credential')
        .set({ ...rest, mint: JSON.stringify(mint) })
        .where('id', '=', id)
        .execute()
    })
  }

  await t.test(
    'what may write, put in the place of what may only read, opens no more',
    async () => {
      anew()
      assert.equal((await readIssues(broker.url, token)).status, 200)
      assert.equal((await deleteLabel(broker.url, token)).status, 200)
      const rows = await db.selectFrom('credential_minted').selectAll().execute()
      assert.equal(rows.length, 2)
      const [one, other] = rows
      assert.ok(one && other)
      for (const [row, by] of [
        [one, other],
        [other, one],
      ] as const)
        await db
          .updateTable('credential_minted')
          .set({ sealed: by.sealed })
          .where('narrowing', '=', row.narrowing)
          .execute()
      anew()
      const before = service.issued.length
      assert.equal((await readIssues(broker.url, token)).status, 200)
      assert.equal(service.issued.length, before + 1, 'it was minted anew')
      assert.equal(service.issued.at(-1)?.scope, 'repo:read')
      assert.equal(
        provider.seen.at(-1)?.authorization,
        `Bearer ${service.issued.at(-1)?.accessToken}`,
      )
    },
  )

  for (const [what, answer] of [
    ['a redirect', { status: 307, headers: { location: `${thief.origin}/oauth/token` }, json: {} }],
    ['more than is read', { status: 200, headers: {}, json: 'x'.repeat(2 ** 20) }],
    [
      'what claims to be compressed',
      { status: 200, headers: { 'content-encoding': 'gzip' }, json: {} },
    ],
  ] as const)
    await t.test(
      `a token service that answers ${what} is not followed, and nothing leaves`,
      async () => {
        await db.deleteFrom('credential_minted').execute()
        anew()
        service.answer = () => answer
        const refused = await readIssues(broker.url, token)
        assert.ok([502, 503].includes(refused.status), refused.text)
        assert.deepEqual(thief.requests, [])
        assert.equal(provider.seen.length, 0)
        service.answer = undefined
      },
    )
})

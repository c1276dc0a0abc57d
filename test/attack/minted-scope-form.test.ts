/**
 * A token service that says in another form than RFC 6749 §5.1 has what its token is for: some write a list. What it says is
 * held against what was asked all the same, and what cannot be read is not taken for silence.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMintedStage, readIssues } from '../support/minted-stage.ts'

test('a wider scope is found in whatever form it is said', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const { db, deps } = broker.broker
  const token = await granted.token()
  const read = async (scope: unknown) => {
    await db.deleteFrom('credential_minted').execute()
    deps.minter.clear()
    provider.seen.length = 0
    service.answer = (truth) => ({
      ...truth,
      json: { ...(truth.json as Record<string, unknown>), scope },
    })
    return readIssues(broker.url, token)
  }
  for (const scope of [
    ['repo:read', 'admin:org'],
    ['repo:read admin:org'],
    { 0: 'admin:org' },
    [['admin:org']],
    7,
  ]) {
    const answer = await read(scope)
    assert.equal(answer.status, 503, `${JSON.stringify(scope)} ${answer.text}`)
    assert.equal(provider.seen.length, 0)
  }
  for (const scope of [['repo:read'], 'repo:read', undefined, null])
    assert.equal((await read(scope)).status, 200, JSON.stringify(scope))
})

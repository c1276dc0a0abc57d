/** A token service that gives more than was asked for: nothing goes out with it, and the consent is not lost for that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openMintedStage, readIssues } from '../support/minted-stage.ts'

test('what is wider than was asked is thrown away, and the next one is minted with what came beside it', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const { db, deps } = broker.broker
  const token = await granted.token()
  await db.deleteFrom('credential_minted').execute()
  deps.minter.clear()
  provider.seen.length = 0
  service.answer = (truth) => ({
    ...truth,
    json: { ...(truth.json as Record<string, unknown>), scope: 'repo:read repo:write admin:org' },
  })
  const answer = await readIssues(broker.url, token)
  assert.equal(answer.status, 503, answer.text)
  assert.match(answer.text, /as narrow as this environment/)
  assert.equal(provider.seen.length, 0)
  service.answer = undefined
  deps.minter.clear()
  assert.equal((await readIssues(broker.url, token)).status, 200)
  assert.equal(service.alive, true, 'the refresh token that came with it was the one that was used')
  assert.equal(provider.seen.at(-1)?.authorization, `Bearer ${service.issued.at(-1)?.accessToken}`)
})

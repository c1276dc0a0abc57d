/** An agent's signature under another client's name: whoever sends that is refused as the agent, on record, and once. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { addHelper } from '../support/delegation.ts'
import { assertionOf, newTestKey, withAssertion } from '../support/client-assertion.ts'
import { entries, openStage } from '../support/stage.ts'

test('an assertion with another agent’s client_id is refused on record, and used up', async (t) => {
  const { broker, granted } = await openStage(t)
  const other = await addHelper(broker, 'another')
  const key = newTestKey('ES256')
  const { id: keyId } = await broker.api<{ id: string }>(
    'POST',
    `/v1/agents/${granted.agentId}/public-keys`,
    { jwk: key.publicJwk },
    201,
  )
  const assertion = assertionOf(key, granted.agentId)
  const fields = { grant_type: 'client_credentials' }
  const refusals = async () =>
    (await entries(broker)).filter(
      (entry) => entry.kind === 'issuance' && entry['result'] === 'refused',
    )

  const first = await withAssertion(broker.url, assertion, { ...fields, client_id: other.id })
  assert.partialDeepStrictEqual(first, { status: 400, body: { error: 'invalid_request' } })
  const made = await refusals()
  assert.equal(made.length, 1)
  assert.partialDeepStrictEqual(made[0], { actor: { id: granted.agentId, key: keyId } })

  const again = await withAssertion(broker.url, assertion, fields)
  assert.equal(again.status, 401, 'who has overheard it has no more of it than any other')
  for (let i = 0; i < 5; i++)
    await withAssertion(broker.url, assertion, { ...fields, client_id: other.id })
  assert.equal((await refusals()).length, 2, 'and cannot fill the log with it')
})

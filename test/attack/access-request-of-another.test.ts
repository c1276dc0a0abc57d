/** The id of what another agent asked for, or the same one under another grant, tells whoever has it nothing. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword as password } from '../support/broker.ts'
import { openStage } from '../support/stage.ts'
import { railwayIds } from '../support/railway-world.ts'
import { answerOf, grantOn, type Answer } from '../support/world.ts'

test('a request for access is known to the agent and the grant that asked, and to no other', async (t) => {
  const { broker, granted } = await openStage(t, { grant: { verbs: ['read'] } })
  const send = async (
    method: string,
    path: string,
    token: string,
    body?: object,
  ): Promise<Answer> =>
    answerOf(
      await fetch(`${broker.url}/v1/access-requests${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  const own = await granted.token({ grant: granted.grantId })
  const asked = await send('POST', '', own, { verbs: ['environmentRename'] })
  assert.equal(asked.status, 201, asked.text)
  const id = String(asked.json['id'])
  const second = await broker.api<{ id: string }>('POST', '/v1/grants', {
    agent: granted.agentId,
    credential: granted.credentialId,
    verbs: ['read'],
    password,
  })
  const stranger = await grantOn(broker, {
    provider: 'railway',
    bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
    secret: 'rw_of_another',
    grant: { verbs: ['read'] },
  })
  assert.equal((await send('GET', `/own/${id}`, own)).status, 200)
  for (const token of [await stranger.token(), await granted.token({ grant: second.id })]) {
    const one = await send('GET', `/own/${id}`, token)
    assert.deepEqual([one.status, one.json['code']], [404, 'not_found'])
    assert.ok(!one.text.includes('environmentRename'))
    const list = await send('GET', '/own', token)
    assert.deepEqual(list.json['items'], [])
  }
  // As one that does not exist, to the letter.
  const none = await send('GET', `/own/${id.slice(0, -4)}0000`, await stranger.token())
  const theirs = await send('GET', `/own/${id}`, await stranger.token())
  assert.equal(none.json['detail'], theirs.json['detail'])
})

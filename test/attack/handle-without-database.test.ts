/** A replica that cannot ask what a handle says: it lets none through, and says of none that it was revoked or is unknown. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { asHandle, outcomeOf, ownForm } from '../support/handle.ts'
import { openSocketProxy } from '../support/socket-proxy.ts'
import { openStage } from '../support/stage.ts'
import { until } from '../support/until.ts'
import { tokenRequest } from '../support/world.ts'

test('a handle at a replica that is cut off from its database', async (t) => {
  const { broker, granted, upstream } = await openStage(t)
  assert.ok(broker.connection.kind === 'socket')
  const wire = await openSocketProxy(t, broker.connection)
  const replica = await broker.replica(wire.connection)
  const { handles } = replica.broker.deps
  const [used, unused] = [await granted.token(asHandle), await granted.token(asHandle)]
  assert.equal(await outcomeOf(replica.url, used), 'allowed')
  const sent = upstream.received.length
  const own = { client_id: granted.agentId, client_secret: granted.agentKey }

  wire.cut()
  await assert.rejects(handles.find(unused))
  for (const token of [unused, used])
    assert.equal(await outcomeOf(replica.url, token), 'unavailable')
  assert.equal(upstream.received.length, sent)
  for (const path of ['/oauth/introspect', '/oauth/revoke']) {
    const { status, body } = await ownForm(replica.url, path, { ...own, token: unused })
    assert.equal(status, 503, path)
    assert.equal(body['error'], 'temporarily_unavailable')
  }
  const issued = await tokenRequest(replica.url, granted.agentId, granted.agentKey, asHandle)
  assert.equal(issued.body['error'], 'temporarily_unavailable')
  assert.equal(issued.body['access_token'], undefined)

  wire.mend()
  for (const token of [unused, used])
    await until('it is asked again', async () =>
      (await outcomeOf(replica.url, token)) === 'allowed' ? true : undefined,
    )
})

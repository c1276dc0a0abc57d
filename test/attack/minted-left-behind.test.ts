/**
 * Railway answers with a token for something else, and does not delete it: nobody uses it, but it never ends by itself. That is
 * not "nothing was minted", and an operator must see it.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { askLease, type LeaseShown } from '../support/lease.ts'
import { railwayHandedOut } from '../support/minting-grant.ts'
import { startRailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'
import { startRecordedServer } from '../support/recorded-server.ts'
import { sendOn } from '../support/send-on.ts'

const secret = 'rw_workspace_token_9f8Zq0T0k3n'

for (const [what, answered, state] of [
  ['is not deleted', { errors: [{ message: 'Not Authorized' }], data: null }, 'minting'],
  ['is deleted', { data: { projectTokenDelete: true } }, 'not_minted'],
] as const)
  test(`a token for another environment that ${what} is shown as ${state}`, async (t) => {
    const standIn = await startRailwayStandIn(railwayWorld(), {
      token: { kind: 'workspace', value: secret },
    })
    t.after(() => standIn.close())
    let lying = false
    const railway = await startRecordedServer(async (request) => {
      const { headers, body } = request
      const json = (value: unknown) => ({ status: 200, headers: {}, json: value })
      const { project, production } = railwayIds
      if (lying && headers['project-access-token'] !== undefined) {
        const id = '11111111-1111-4111-8111-111111111111'
        return json({
          data: { projectToken: { id, projectId: project, environmentId: production } },
        })
      }
      if (lying && body.includes('projectTokenDelete')) return json(answered)
      const answer = await sendOn(standIn.origin, request)
      return { status: answer.status, headers: {}, json: await answer.json() }
    })
    t.after(() => railway.close())
    const broker = await openTestBroker(t, { upstreams: { railway: railway.origin } })
    const granted = await railwayHandedOut(broker, secret)
    lying = true
    const { status, text } = await askLease(broker.url, await granted.token())
    assert.notEqual(status, 201, text)
    const { items } = await broker.api<{ items: LeaseShown[] }>(
      'GET',
      `/v1/leases?state=any&grant=${granted.grantId}`,
    )
    // What stays `minting` becomes `could_not_revoke` when its replica was not heard of again.
    assert.deepEqual(
      items.map((each) => each.state),
      [state],
    )
  })

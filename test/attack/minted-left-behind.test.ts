/**
 * Railway answers with a token for something else, and does not delete it: nobody uses it, but it never ends by itself. That is
 * not "nothing was minted", and an operator must see it.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { askLease, type LeaseShown } from '../support/lease.ts'
import { startRailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayIds, railwayWorld } from '../support/railway-world.ts'
import { startRecordedServer } from '../support/recorded-server.ts'
import { grantOn } from '../support/world.ts'

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
    const railway = await startRecordedServer(async ({ method, target, headers, body }) => {
      const json = (value: unknown) => ({ status: 200, headers: {}, json: value })
      const { project, production } = railwayIds
      if (lying && headers['project-access-token'] !== undefined) {
        const id = '11111111-1111-4111-8111-111111111111'
        return json({
          data: { projectToken: { id, projectId: project, environmentId: production } },
        })
      }
      if (lying && body.includes('projectTokenDelete')) return json(answered)
      const { host: _, connection: _c, 'content-length': _l, ...rest } = headers
      const answer = await fetch(`${standIn.origin}${target}`, {
        method,
        headers: rest as Record<string, string>,
        ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      })
      return { status: answer.status, headers: {}, json: await answer.json() }
    })
    t.after(() => railway.close())
    const broker = await openTestBroker(t, { upstreams: { railway: railway.origin } })
    const granted = await grantOn(broker, {
      provider: 'railway',
      bindings: [{ provider: 'railway', kind: 'environment', id: railwayIds.staging }],
      secret,
      style: 'project-token',
      mint: { kind: 'railway' },
      grant: {
        verbs: ['read+write+destructive+secret+admin'],
        approval: 'never',
        minted: 'reveal',
        hand_out: true,
      },
    })
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

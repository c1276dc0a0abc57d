/** A provider that is away: where nothing was minted for certain, nothing is counted, shown or waited for. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { askLease, type LeaseShown } from '../support/lease.ts'
import { railwayHandedOut } from '../support/minting-grant.ts'
import { startRailwayStandIn } from '../support/railway-stand-in.ts'
import { railwayWorld } from '../support/railway-world.ts'

const secret = 'rw_workspace_token_9f8Zq0T0k3n'

test('a provider that was away does not use a grant up for good', async (t) => {
  const standIn = await startRailwayStandIn(railwayWorld(), {
    token: { kind: 'workspace', value: secret },
  })
  const broker = await openTestBroker(t, { upstreams: { railway: standIn.origin } })
  const granted = await railwayHandedOut(broker, secret)
  await standIn.close()
  const capability = await granted.token()
  for (let i = 0; i < 6; i++) {
    const { status, json } = await askLease(broker.url, capability)
    assert.deepEqual([status, json['code']], [502, 'upstream_unreachable'])
  }
  const { items } = await broker.api<{ items: (LeaseShown & { purpose: string })[] }>(
    'GET',
    '/v1/leases',
  )
  // The one that the broker made for itself when the credential was stored is there.
  assert.ok(items.every(({ purpose, state }) => purpose === 'egress' && state === 'live'))
})

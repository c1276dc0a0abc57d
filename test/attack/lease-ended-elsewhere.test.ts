/**
 * A credential that mints in another way since: nobody else is told to end what it minted before, or given it, and what
 * they say of it is not taken for its provider's word.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { adminPassword } from '../support/broker.ts'
import { askLease, openLeaseWorld, shownLease } from '../support/lease.ts'
import {
  clientSecret,
  firstRefreshToken,
  mintParameters,
  startTokenStandIn,
  tokenService,
} from '../support/minted-stage.ts'
import { until } from '../support/until.ts'

test('what GitHub minted is ended at GitHub, whatever the credential mints with by now', async (t) => {
  const service = await startTokenStandIn(t)
  let clock = 0
  const world = await openLeaseWorld(t, {
    now: () => Date.now() + clock,
    tokenServices: { [tokenService]: service.origin },
  })
  const { broker, fickle } = world
  const leasing = await world.leasing()
  const { status, json, text } = await askLease(broker.url, await leasing.token())
  assert.equal(status, 201, text)
  fickle.meddle(({ method }) => (method === 'DELETE' ? { status: 503 } : undefined))
  await broker.api('POST', `/v1/credentials/${leasing.credentialId}/versions`, {
    secret: JSON.stringify({ refresh_token: firstRefreshToken, client_secret: clientSecret }),
    mint: { ...mintParameters, revocation_endpoint: `${tokenService}/oauth/revoke` },
    password: adminPassword,
  })
  for (const attempts of [1, 2, 3]) {
    const shown = await until(`attempt ${String(attempts)}`, async () => {
      const found = await shownLease(broker, json['id'])
      return found.attempts >= attempts && found.state !== 'revoking' && found.next_try_at !== null
        ? found
        : undefined
    })
    assert.equal(shown.state, 'could_not_revoke')
    clock += 600_000
  }
  const told = service.requests.filter(({ target }) => target.startsWith('/oauth/revoke'))
  assert.equal(told.length, 0)
  assert.ok(fickle.tokens().includes(String(json['token'])))
  fickle.meddle(undefined)
  await until('it is ended', async () =>
    (await shownLease(broker, json['id'])).state === 'revoked' ? true : undefined,
  )
  assert.ok(!fickle.tokens().includes(String(json['token'])))
})

/** What is taken back while a token is being minted: the request that waits for it does not leave. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openApprover } from '../support/approver.ts'
import { adminPassword as password } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { childOf, claimsOf, holderOf } from '../support/delegation.ts'
import { idOf, ownedBy } from '../support/gated.ts'
import { deleteLabel, mintParameters, openMintedStage } from '../support/minted-stage.ts'
import { until } from '../support/until.ts'

test('a request whose permission ended while it waited for a token is not sent', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const { db, deps } = broker.broker
  const jti = (token: string): string =>
    (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string })
      .jti
  const disable = (path: string) => async () => {
    await broker.api('POST', `${path}/disable`, {})
    return () => broker.api('POST', `${path}/enable`, { password })
  }
  const acts: readonly (readonly [string, (token: string) => Promise<() => Promise<unknown>>])[] = [
    ['the grant is disabled', disable(`/v1/grants/${granted.grantId}`)],
    ['the credential is disabled', disable(`/v1/credentials/${granted.credentialId}`)],
    [
      'everything is frozen',
      async () => {
        const body = { scope: 'everything', reason: 'a test' }
        const { id } = await broker.api<{ id: string }>('POST', '/v1/freezes', body)
        return () => broker.api('POST', `/v1/freezes/${id}/lift`, { password })
      },
    ],
    [
      'the grant comes to allow less',
      async () => {
        const path = `/v1/grants/${granted.grantId}`
        const { verbs } = await broker.api<{ verbs: unknown }>('GET', path)
        await broker.api('PATCH', path, { verbs: ['read'], password })
        return () => broker.api('PATCH', path, { verbs, password })
      },
    ],
    [
      'the grant comes to ask a person',
      async () => {
        const path = `/v1/grants/${granted.grantId}`
        await broker.api('PATCH', path, { approval: 'always', password })
        return () => broker.api('PATCH', path, { approval: 'never', password })
      },
    ],
    [
      'the environment becomes protected',
      async () => {
        const path = `/v1/environments/${granted.environmentId}`
        await broker.api('PATCH', path, { protected: true, password })
        return () => broker.api('PATCH', path, { protected: false, password })
      },
    ],
    [
      'the capability is revoked',
      async (token) => {
        await broker.api('POST', `/v1/capabilities/${jti(token)}/revoke`, {})
        return () => Promise.resolve()
      },
    ],
  ]
  for (const [what, act] of acts)
    await t.test(what, async () => {
      const token = await granted.token()
      await db.deleteFrom('credential_minted').execute()
      deps.minter.clear()
      provider.seen.length = 0
      const before = service.issued.length
      let go: () => void = () => undefined
      const held = new Promise<void>((resolve) => (go = resolve))
      service.answer = async (truth) => {
        await held
        return truth
      }
      const waiting = deleteLabel(broker.url, token)
      await until('it is being minted', () => (service.issued.length > before ? true : undefined))
      const undo = await act(token)
      go()
      const answer = await waiting
      assert.notEqual(answer.status, 200, answer.text)
      assert.equal(provider.seen.filter(({ line }) => line.startsWith('DELETE')).length, 0)
      service.answer = undefined
      await undo()
    })
})

test('nor is one that a person approved, where what its capability came of was revoked meanwhile', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t, {
    publicUrl: testPublicUrl,
    grant: {
      verbs: ['read', 'issues/delete-label'],
      approval: 'always',
      approval_terms: { execute: 'broker' },
    },
  })
  const { deps } = broker.broker
  const approver = await openApprover(broker)
  await ownedBy(broker, granted, approver)
  const first = await granted.token()
  const narrowed = await childOf(broker.url, holderOf(granted), first, {
    details: { verbs: ['issues/delete-label'] },
  })
  const id = idOf(await deleteLabel(broker.url, narrowed))
  deps.minter.clear()
  await broker.broker.db.deleteFrom('credential_minted').execute()
  const before = service.issued.length
  const { promise: held, resolve: go } = Promise.withResolvers<undefined>()
  service.answer = async (truth, request) => {
    // Look-ups only read, and may pass.
    const scope = new URLSearchParams(request.body.toString()).get('scope')
    if (scope !== mintParameters.read_scopes.join(' ')) await held
    return truth
  }
  await approver.approve(id)
  await until('it is being minted', () =>
    service.issued.slice(before).some(({ scope }) => scope.includes('write')) ? true : undefined,
  )
  const { jti } = claimsOf(first)
  await broker.api('POST', `/v1/capabilities/${String(jti)}/revoke`, {})
  go(undefined)
  const state = await until('it is over', async () => {
    const { state } = await broker.api<{ state: string }>('GET', `/v1/approvals/${id}`)
    return ['approved', 'sending'].includes(state) ? undefined : state
  })
  assert.equal(state, 'cancelled')
  assert.equal(provider.seen.filter(({ line }) => line.startsWith('DELETE')).length, 0)
})

test('nor is a question of the broker’s own, where everything was frozen meanwhile', async (t) => {
  const { broker, granted, provider, service } = await openMintedStage(t)
  const token = await granted.token()
  broker.broker.deps.minter.clear()
  await broker.broker.db.deleteFrom('credential_minted').execute()
  provider.seen.length = 0
  const before = service.issued.length
  const { promise: held, resolve: go } = Promise.withResolvers<undefined>()
  service.answer = async (truth) => {
    await held
    return truth
  }
  const waiting = deleteLabel(broker.url, token)
  await until('it is being minted', () => (service.issued.length > before ? true : undefined))
  assert.deepEqual(service.issued.at(-1)?.scope, 'repo:read', 'for a look-up')
  await broker.api('POST', '/v1/freezes', { scope: 'everything', reason: 'a test' })
  go(undefined)
  assert.notEqual((await waiting).status, 200)
  assert.deepEqual(provider.seen, [])
})

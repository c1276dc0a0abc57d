/** What is taken back while a token is being minted: the request that waits for it does not leave. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminPassword as password } from '../support/broker.ts'
import { deleteLabel, openMintedStage } from '../support/minted-stage.ts'
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

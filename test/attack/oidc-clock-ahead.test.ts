/**
 * A provider whose clock is ahead says of somebody who showed who they are an hour ago that they do so now: that is no
 * fresh sign-in, for whoever sits at a browser that the provider knows.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { signToken } from '../support/foreign-issuer.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('when somebody showed who they are', async (t) => {
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, { identity: provider.settings })
  const { issuer, key } = provider
  provider.people.set('ada', { groups: ['platform'], name: 'ada' })
  provider.atKeyboard = 'ada'

  /** `ahead`: seconds by which the provider's clock is, which has just asked. */
  async function signIn(query: string, ahead: number) {
    const agent = openAgent(broker)
    const { url } = await agent.go(`/sign-in/identity-provider${query}`, (at) =>
      at.startsWith(`${testPublicUrl}/sign-in/callback`),
    )
    const asked = agent.visited.find((each) => each.startsWith(`${issuer}/auth?`))
    const iat = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      sub: 'ada',
      aud: 'valetkey',
      iat,
      exp: iat + 300,
      auth_time: iat + ahead,
      nonce: new URL(String(asked)).searchParams.get('nonce'),
      groups: ['platform'],
    }
    const header = { alg: 'RS256', kid: key.jwk['kid'] }
    const body = {
      access_token: 'x',
      token_type: 'Bearer',
      id_token: signToken(key.privateKey, 'RS256', header, claims),
    }
    provider.instead = (path) =>
      path === '/token' ? { status: 200, body: JSON.stringify(body) } : undefined
    const { status } = await agent.go(url)
    provider.instead = () => undefined
    return { agent, status }
  }
  let made = 0
  async function mint(agent: ReturnType<typeof openAgent>): Promise<number> {
    made++
    const body = { name: `op ${String(made)}`, roles: ['auditor'] }
    return (await agent.send('POST', '/v1/operators', body)).status
  }

  await t.test('is not known where it lies ahead', async () => {
    const { agent, status } = await signIn('', 3_600)
    assert.equal(status, 200)
    assert.equal(await mint(agent), 403)
  })

  await t.test('is no fresh sign-in where it lies ahead', async () => {
    assert.equal((await signIn('?fresh=yes', 3_600)).status, 403)
  })

  for (const query of ['', '?fresh=yes'])
    await t.test(`is now within some seconds${query}`, async () => {
      const { agent, status } = await signIn(query, 10)
      assert.equal(status, 200)
      assert.equal(await mint(agent), 201)
    })
})

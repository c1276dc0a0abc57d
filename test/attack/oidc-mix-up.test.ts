/** Mix-up (RFC 9207): an answer that says it is of another issuer is none, where our provider says that it names itself. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('an answer of another issuer', async (t) => {
  const provider = await openTestProvider(t)
  const broker = await openTestBroker(t, { identity: provider.settings })
  provider.people.set('ada', { groups: ['platform'], name: 'ada' })
  provider.atKeyboard = 'ada'
  for (const [what, change] of [
    ['names that one', (url: URL) => url.searchParams.set('iss', 'https://other.example')],
    [
      'names ours in another spelling',
      (url: URL) => {
        url.searchParams.set('iss', `${provider.issuer}/`)
      },
    ],
    ['names nobody', (url: URL) => url.searchParams.delete('iss')],
    ['names two', (url: URL) => url.searchParams.append('iss', provider.issuer)],
  ] as const)
    await t.test(`that ${what} is refused, and its code sent nowhere`, async () => {
      const agent = openAgent(broker)
      const { url } = await agent.go('/sign-in/identity-provider', (at) =>
        at.startsWith(`${testPublicUrl}/sign-in/callback`),
      )
      const changed = new URL(url)
      assert.equal(changed.searchParams.get('iss'), provider.issuer)
      change(changed)
      provider.asked.length = 0
      assert.equal((await agent.go(changed.href)).status, 403)
      assert.deepEqual(provider.asked, [])
    })
})

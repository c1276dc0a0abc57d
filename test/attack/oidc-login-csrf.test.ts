/**
 * Login CSRF, and answers that are used again: an answer of the identity provider counts only in the browser that began
 * the attempt it answers, and once. (OAuth 2.0 Security BCP, RFC 9700 §2.1, §4.7.)
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

const callback = `${testPublicUrl}/sign-in/callback`
const attempt = '__Host-valetkey-attempt'

test('an answer of the identity provider', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const now = () => Date.now() + clock.ahead
  const broker = await openTestBroker(t, { identity: provider.settings, now })
  provider.people.set('mallory', { groups: ['platform'], name: 'mallory' })
  provider.atKeyboard = 'mallory'
  const tokens = (): number => provider.asked.filter((each) => each === 'POST /token').length
  const isCallback = (url: string): boolean => url.startsWith(callback)
  const stopped = async () => {
    const agent = openAgent(broker)
    const { url } = await agent.go('/sign-in/identity-provider', isCallback)
    assert.ok(isCallback(url))
    return { agent, url }
  }
  const jar = (agent: ReturnType<typeof openAgent>) => {
    const found = agent.cookies.get(testPublicUrl) ?? new Map<string, string>()
    agent.cookies.set(testPublicUrl, found)
    return found
  }
  const signedIn = async (agent: ReturnType<typeof openAgent>): Promise<boolean> =>
    jar(agent).has('__Host-valetkey') && (await agent.send('GET', '/v1/me')).status === 200

  await t.test('signs nobody in whose browser did not ask', async () => {
    const { url } = await stopped()
    const victim = openAgent(broker)
    const before = tokens()
    assert.equal((await victim.go(url)).status, 403)
    assert.equal(await signedIn(victim), false)
    assert.equal(tokens(), before, 'the code was not even used')
  })

  await t.test('signs nobody in whose browser asked for something else', async () => {
    const mallory = await stopped()
    const victim = await stopped()
    assert.equal((await victim.agent.go(mallory.url)).status, 403)
    assert.equal(await signedIn(victim.agent), false)
    // Nor does it end what they began.
    assert.equal((await victim.agent.go(victim.url)).status, 200)
  })

  for (const [what, change] of [
    ['with two states', (url: URL) => url.searchParams.append('state', 'x')],
    ['without a state', (url: URL) => url.searchParams.delete('state')],
    [
      'with a state cut short',
      (url: URL) => {
        url.searchParams.set('state', (url.searchParams.get('state') ?? '').slice(0, -1))
      },
    ],
    ['with two codes', (url: URL) => url.searchParams.append('code', 'x')],
  ] as const)
    await t.test(`${what} is none`, async () => {
      const { agent, url } = await stopped()
      const changed = new URL(url)
      change(changed)
      assert.equal((await agent.go(changed.href)).status, 403)
      assert.equal(await signedIn(agent), false)
    })

  await t.test('counts once, whatever cookie is brought along again', async () => {
    const { agent, url } = await stopped()
    const kept = String(jar(agent).get(attempt))
    assert.equal((await agent.go(url)).status, 200)
    assert.equal(jar(agent).has(attempt), false)
    const before = tokens()
    const again = openAgent(broker)
    jar(again).set(attempt, kept)
    assert.equal((await again.go(url)).status, 403)
    assert.equal(await signedIn(again), false)
    assert.equal(tokens(), before)
  })

  await t.test('comes too late after ten minutes', async () => {
    const { agent, url } = await stopped()
    clock.ahead += 601_000
    assert.equal((await agent.go(url)).status, 403)
    assert.equal(await signedIn(agent), false)
    clock.ahead -= 601_000
  })

  await t.test('is not believed with a cookie that somebody made or changed', async () => {
    const { agent, url } = await stopped()
    const kept = String(jar(agent).get(attempt))
    const parts = kept.split('.')
    const forged = [
      `${kept.slice(0, -2)}AA`,
      [Buffer.from('{"alg":"none"}').toString('base64url'), ...parts.slice(1)].join('.'),
      `eyJhbGciOiJub25lIn0.${Buffer.from('{"attempt":{}}').toString('base64url')}.`,
    ]
    for (const cookie of forged) {
      jar(agent).set(attempt, cookie)
      assert.equal((await agent.go(url)).status, 403)
    }
    assert.equal(await signedIn(agent), false)
  })

  await t.test(
    'comes back to a cookie that no page of another site sends a form with',
    async () => {
      const agent = openAgent(broker)
      await agent.go('/sign-in/identity-provider', (url) => url.startsWith(provider.issuer))
      const response = await fetch(`${broker.url}/sign-in/identity-provider`, {
        redirect: 'manual',
      })
      const cookie = response.headers.get('set-cookie') ?? ''
      assert.equal(response.status, 307, 'only at home')
      assert.equal(cookie, '')
    },
  )
})

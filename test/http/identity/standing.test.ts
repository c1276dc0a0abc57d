/** How long access outlives the word of the identity provider: fifteen minutes, and five where it answers. By a clock that the test moves. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../../support/broker.ts'
import { openTestProvider } from '../../support/identity-provider.ts'
import { openAgent, type Agent } from '../../support/identity-sign-in.ts'
import { entries } from '../../support/stage.ts'

const minutes = 60_000

async function openClock(t: TestContext, refresh: boolean) {
  const provider = await openTestProvider(t, { refresh })
  const clock = { ahead: 0 }
  const broker = await openTestBroker(t, {
    identity: provider.settings,
    now: () => Date.now() + clock.ahead,
  })
  const tokens = (): number => provider.asked.filter((each) => each === 'POST /token').length
  const signIn = async (subject: string): Promise<Agent> => {
    provider.people.set(subject, { groups: ['platform', 'on-call'], name: subject })
    provider.atKeyboard = subject
    const agent = openAgent(broker)
    const landed = await agent.signIn()
    assert.equal(landed.status, 200, landed.text)
    return agent
  }
  const status = async (agent: Agent, url?: string): Promise<number> =>
    (await agent.send('GET', '/v1/me', undefined, url)).status
  return { provider, broker, clock, tokens, signIn, status }
}

test('a sign-in with a refresh token', async (t) => {
  const { provider, broker, clock, tokens, signIn, status } = await openClock(t, true)
  const other = await broker.replica()
  let agent = await signIn('ada')

  await t.test('asks the provider nothing for five minutes, and once after them', async () => {
    clock.ahead += 5 * minutes - 10_000
    const before = tokens()
    assert.equal(await status(agent), 200)
    assert.equal(tokens(), before)
    clock.ahead += 10_000
    const all = [agent, agent, agent, agent].flatMap((each) => [
      status(each),
      status(each, other.url),
    ])
    assert.deepEqual(new Set(await Promise.all(all)), new Set([200]))
    // Whichever replica they came to: a refresh token works once, and a second use would end it.
    assert.equal(tokens(), before + 1)
    clock.ahead += 5 * minutes
    assert.equal(await status(agent, other.url), 200)
    assert.equal(tokens(), before + 2)
  })

  await t.test('has the groups of then', async () => {
    provider.people.set('ada', { groups: ['on-call'], name: 'ada' })
    clock.ahead += 5 * minutes
    const me = await agent.send('GET', '/v1/me')
    assert.deepEqual(me.body['roles'], ['approver', 'auditor'])
  })

  await t.test('ends at once in every browser when the person was let go', async () => {
    const second = await signIn('ada')
    clock.ahead += 4 * minutes
    provider.people.delete('ada')
    assert.equal(await status(agent), 200)
    clock.ahead += minutes
    assert.equal(await status(agent), 401)
    assert.equal(await status(second), 401)
    assert.equal(await status(second, other.url), 401)
    const ended = (await entries(broker)).findLast(
      ({ action }) => action === 'operator.end_sign_ins',
    )
    assert.match(String(ended?.['reason']), /invalid_grant/)
  })

  await t.test('ends with the last group that gives a role', async () => {
    agent = await signIn('ben')
    provider.people.set('ben', { groups: [], name: 'ben' })
    clock.ahead += 5 * minutes
    assert.equal(await status(agent), 401)
  })

  await t.test('outlives a provider that does not answer, to the fifteenth minute', async () => {
    agent = await signIn('cleo')
    provider.instead = () => ({ status: 503, body: '{}' })
    clock.ahead += 14 * minutes
    assert.equal(await status(agent), 200)
    clock.ahead += minutes
    assert.equal(await status(agent), 503)
    provider.instead = () => undefined
    clock.ahead += minutes
    assert.equal(await status(agent), 200)
  })

  await t.test('outlives a provider that says nothing of the groups for a while', async () => {
    const told = { status: 200, body: JSON.stringify({ sub: 'emil', groups: ['platform'] }) }
    provider.people.set('emil', { groups: undefined, name: 'emil' })
    provider.atKeyboard = 'emil'
    provider.instead = (path) => (path === '/me' ? told : undefined)
    agent = openAgent(broker)
    assert.equal((await agent.signIn()).status, 200)
    provider.instead = (path) => (path === '/me' ? { status: 503, body: '{}' } : undefined)
    clock.ahead += 6 * minutes
    assert.equal(await status(agent), 200)
    clock.ahead += minutes
    assert.equal(await status(agent), 200)
    clock.ahead += 9 * minutes
    assert.equal(await status(agent), 503)
    provider.instead = (path) => (path === '/me' ? told : undefined)
    clock.ahead += minutes
    // Each of the refresh tokens was good once, and the last of them is known.
    assert.equal(await status(agent), 200)
    provider.instead = () => undefined
  })

  await t.test('is one at an issuer, and at no other that is configured later', async () => {
    agent = await signIn('dora')
    const elsewhere = await openTestProvider(t)
    const { broker: own } = broker
    assert.equal(await status(agent), 200)
    Object.assign(own.deps, { identity: undefined })
    assert.equal(await status(agent), 401)
    assert.notEqual(elsewhere.issuer, provider.issuer)
  })
})

test('a sign-in without a refresh token ends after fifteen minutes', async (t) => {
  const { clock, tokens, signIn, status } = await openClock(t, false)
  const agent = await signIn('ada')
  const before = tokens()
  clock.ahead += 15 * minutes - 5_000
  assert.equal(await status(agent), 200)
  clock.ahead += 5_000
  assert.equal(await status(agent), 401)
  assert.equal(tokens(), before)
})

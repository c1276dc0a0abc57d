/**
 * The code that lets a command line in: against an agent on the same machine that opens the page in its owner's browser,
 * against somebody who has seen the code, guesses it, or uses it again, and against a stored bearer that is to do what
 * a password would be asked for.
 */
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'

test('a code for the command line', async (t) => {
  const clock = { ahead: 0 }
  const provider = await openTestProvider(t)
  const now = () => Date.now() + clock.ahead
  const broker = await openTestBroker(t, { identity: provider.settings, now })
  for (const name of ['ada', 'ben'])
    provider.people.set(name, { groups: ['platform', 'on-call'], name })

  async function shown(purpose: 'sign_in' | 'act', who = 'ada') {
    const verifier = randomBytes(32).toString('base64url')
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    provider.atKeyboard = who
    const agent = openAgent(broker)
    const path = `/sign-in/command-line?challenge=${challenge}&purpose=${purpose}`
    const landed = await agent.go(path)
    const code = /data-sign-in-code>([^<]+)</.exec(landed.text)?.[1] ?? ''
    return { verifier, code, agent, landed, path }
  }
  async function ask(method: string, path: string, body?: object, bearer?: string) {
    const response = await fetch(`${broker.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      body: JSON.parse(await response.text()) as Record<string, unknown>,
    }
  }
  const redeem = (code: string, verifier: string) =>
    ask('POST', '/v1/sign-in/code', { code, verifier })
  async function bearerOf(who: string): Promise<string> {
    const { code, verifier } = await shown('sign_in', who)
    return String((await redeem(code, verifier)).body['token'])
  }

  await t.test('gives a bearer of fifteen minutes, once', async () => {
    const { code, verifier, agent } = await shown('sign_in')
    assert.match(code, /^[A-Z0-9]{5}-[A-Z0-9]{5}$/)
    const first = await redeem(code.toLowerCase(), verifier)
    assert.deepEqual([first.status, first.body['name']], [200, 'ada'])
    assert.ok(Number(first.body['expires_in']) <= 900)
    assert.equal((await redeem(code, verifier)).status, 401)
    const me = await ask('GET', '/v1/me', undefined, String(first.body['token']))
    assert.equal(me.body['name'], 'ada')
    // The browser was there for the code alone.
    assert.equal(agent.cookies.get(testPublicUrl)?.has('__Host-valetkey'), false)
  })

  await t.test('is worth nothing to who has seen it', async () => {
    const { code, verifier } = await shown('sign_in')
    assert.equal((await redeem(code, randomBytes(32).toString('base64url'))).status, 401)
    assert.equal((await redeem(code, verifier)).status, 200)
  })

  await t.test('is not guessed: after five attempts the right one is wrong, too', async () => {
    const { code, verifier } = await shown('sign_in')
    for (let i = 0; i < 5; i++) assert.equal((await redeem('BBBBB-BBBBB', verifier)).status, 401)
    assert.equal((await redeem(code, verifier)).status, 401)
  })

  await t.test('is good for two minutes', async () => {
    const { code, verifier } = await shown('sign_in')
    clock.ahead += 120_000
    assert.equal((await redeem(code, verifier)).status, 401)
    clock.ahead = 0
  })

  await t.test('is made for who is at the keyboard, whom the browser knows or not', async () => {
    const { agent, path } = await shown('sign_in')
    const { url } = await agent.go(path, (at) => at.startsWith(`${provider.issuer}/auth?`))
    const { searchParams } = new URL(url)
    assert.deepEqual([searchParams.get('prompt'), searchParams.get('max_age')], ['login', '0'])
    // A program opens the address: the provider asks, and nobody answers.
    provider.atKeyboard = 'nobody'
    const landed = await agent.go(url)
    assert.equal(landed.status, 403)
    assert.ok(!landed.text.includes('data-sign-in-code'))
  })

  await t.test('for a sign-in is none for an act, nor the other way round', async () => {
    const signIn = await shown('sign_in')
    const act = await shown('act')
    assert.equal((await redeem(act.code, act.verifier)).status, 401)
    const bearer = await bearerOf('ada')
    const body = { name: 'eve', roles: ['auditor'], password: `${signIn.verifier}.${signIn.code}` }
    const answer = await ask('POST', '/v1/operators', body, bearer)
    assert.deepEqual([answer.status, answer.body['code']], [403, 'fresh_sign_in_required'])
  })

  await t.test('for an act is good for one, and stands for no fresh bearer', async () => {
    const bearer = await bearerOf('ada')
    const add = (name: string, password?: string) =>
      ask('POST', '/v1/operators', { name, roles: ['auditor'], password }, bearer)
    // Signed in a moment ago: the bearer lies in a file, and is enough for nobody who reads it.
    assert.equal((await add('one')).body['code'], 'fresh_sign_in_required')
    const { code, verifier } = await shown('act')
    assert.equal((await add('one', `${verifier}.${code}`)).status, 201)
    assert.equal((await add('two', `${verifier}.${code}`)).body['code'], 'fresh_sign_in_required')
  })

  await t.test('of one operator is none of another', async () => {
    const bearer = await bearerOf('ada')
    const { code, verifier } = await shown('act', 'ben')
    const body = { name: 'eve', roles: ['auditor'], password: `${verifier}.${code}` }
    const answer = await ask('POST', '/v1/operators', body, bearer)
    assert.equal(answer.body['code'], 'fresh_sign_in_required')
  })

  await t.test('gives a bearer that gives no passkey, and decides nothing (I6)', async () => {
    const bearer = await bearerOf('ada')
    const { code, verifier } = await shown('act')
    const password = `${verifier}.${code}`
    const passkey = await ask('POST', '/v1/passkeys/options', { password }, bearer)
    assert.deepEqual([passkey.status, passkey.body['code']], [403, 'forbidden'])
    // Nor does a browser's: somebody else has to allow a first one.
    const agent = openAgent(broker)
    await agent.signIn('?fresh=yes')
    const first = await agent.send('POST', '/v1/passkeys/options', {})
    assert.match(String(first.body['detail']), /another admin’s permit/)
  })
})

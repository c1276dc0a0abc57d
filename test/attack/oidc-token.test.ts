/**
 * ID tokens that are not what they should be, out of a token endpoint that somebody stands in front of: another algorithm,
 * another key, another issuer, audience, authorized party or nonce, too old, and none at all. Whoever breaks TLS to the
 * provider gets no operator: the signature is checked all the same.
 */
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { openTestBroker } from '../support/broker.ts'
import { testPublicUrl } from '../support/browser.ts'
import { makeKey, signToken } from '../support/foreign-issuer.ts'
import { openAgent } from '../support/identity-sign-in.ts'
import { openTestProvider } from '../support/identity-provider.ts'
import { entries } from '../support/stage.ts'

const secret = 'a-secret-of-the-client-that-is-long-enough'
const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

test('an ID token', async (t) => {
  const provider = await openTestProvider(t, { secret })
  const broker = await openTestBroker(t, { identity: provider.settings })
  const { issuer, key } = provider
  provider.people.set('ada', { groups: ['platform'], name: 'ada' })
  provider.atKeyboard = 'ada'
  const header = { alg: 'RS256', kid: key.jwk['kid'] }
  const other = makeKey('RS256', String(key.jwk['kid']))

  /** Signs in with a token endpoint that answers with this, made of claims that are as they should be. */
  async function signInWith(
    make: (claims: Record<string, unknown>) => string | undefined,
  ): Promise<number> {
    const agent = openAgent(broker)
    const { url } = await agent.go('/sign-in/identity-provider', (at) =>
      at.startsWith(`${testPublicUrl}/sign-in/callback`),
    )
    const asked = agent.visited.find((each) => each.startsWith(`${issuer}/auth?`))
    const nonce = new URL(String(asked)).searchParams.get('nonce')
    const iat = Math.floor(Date.now() / 1000)
    const token = make({
      iss: issuer,
      sub: 'ada',
      aud: 'valetkey',
      iat,
      exp: iat + 300,
      nonce,
      groups: ['platform'],
    })
    const body = { access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: token }
    provider.instead = (path) =>
      path === '/token' ? { status: 200, body: JSON.stringify(body) } : undefined
    const { status } = await agent.go(url)
    provider.instead = () => undefined
    const let_in = agent.cookies.get(testPublicUrl)?.has('__Host-valetkey') ?? false
    assert.equal(let_in, status === 200)
    return status
  }
  const signed = (claims: object): string => signToken(key.privateKey, 'RS256', header, claims)

  await t.test('that is as it should be lets its person in', async () => {
    assert.equal(await signInWith(signed), 200)
  })

  const long = Math.floor(Date.now() / 1000) - 3_600
  const wrong: Record<string, (claims: Record<string, unknown>) => string | undefined> = {
    'is missing': () => undefined,
    'is signed with no algorithm': (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`,
    'is signed with the client’s secret': (claims) => {
      const input = `${encode({ alg: 'HS256' })}.${encode(claims)}`
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    },
    'is signed with the public key as a secret': (claims) => {
      const input = `${encode({ ...header, alg: 'HS256' })}.${encode(claims)}`
      return `${input}.${createHmac('sha256', JSON.stringify(key.jwk)).update(input).digest('base64url')}`
    },
    'is signed with somebody else’s key': (claims) =>
      signToken(other.privateKey, 'RS256', header, claims),
    'brings its own key': (claims) =>
      signToken(other.privateKey, 'RS256', { alg: 'RS256', jwk: other.jwk }, claims),
    'has a signature of something else': (claims) =>
      [...signed(claims).split('.').slice(0, 2), signed({}).split('.')[2]].join('.'),
    'is of an algorithm that the issuer does not name': (claims) =>
      signToken(key.privateKey, 'RS512', { ...header, alg: 'RS512' }, claims),
    'is of another issuer': (claims) => signed({ ...claims, iss: 'https://other.example' }),
    'is of the issuer, spelled differently': (claims) => signed({ ...claims, iss: `${issuer}/` }),
    'is meant for another client': (claims) => signed({ ...claims, aud: 'other' }),
    'is meant for several, and given to another': (claims) =>
      signed({ ...claims, aud: ['valetkey', 'other'], azp: 'other' }),
    'is of another attempt': (claims) => signed({ ...claims, nonce: 'x'.repeat(43) }),
    'is of no attempt': (claims) => signed({ ...claims, nonce: undefined }),
    'has expired': (claims) => signed({ ...claims, iat: long, exp: long + 300 }),
    'is good from tomorrow on': (claims) => signed({ ...claims, nbf: long + 90_000 }),
    'says nothing of whom': (claims) => signed({ ...claims, sub: undefined }),
  }
  for (const [what, make] of Object.entries(wrong))
    await t.test(`that ${what} lets nobody in`, async () => {
      assert.equal(await signInWith(make), 403)
    })

  await t.test('that was refused is on record, and quoted nowhere', async () => {
    const refused = (await entries(broker)).filter(
      ({ kind, result }) => kind === 'sign_in' && result === 'refused',
    )
    assert.equal(refused.length, Object.keys(wrong).length)
    for (const { reason } of refused) assert.match(String(reason), /^identity_provider: /)
    assert.ok(!JSON.stringify(refused).includes('eyJ'))
  })
})

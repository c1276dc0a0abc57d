/** How the broker shows an identity provider that it is its client, in what it really sends; oidc-provider, unmodified. */
import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { readClientKey } from '../../src/federation/client-key.ts'
import { createIdentityProvider } from '../../src/federation/identity-provider.ts'
import { openTestProvider } from '../support/identity-provider.ts'

const redirectUri = 'https://broker.example/sign-in/callback'

/** The form that is sent for a code that nobody gave out. */
async function tokenForm(t: TestContext, key: KeyObject, more: object = {}, takes?: string[]) {
  const provider = await openTestProvider(t, {
    clientKey: { ...createPublicKey(key).export({ format: 'jwk' }), ...more },
  })
  const read = readClientKey(JSON.stringify({ ...key.export({ format: 'jwk' }), ...more }))
  assert.ok(read.ok)
  const forms: URLSearchParams[] = []
  const client = createIdentityProvider(
    { ...provider.settings, client: { kind: 'key', key: read.key } },
    {
      redirectUri,
      now: () => Date.now(),
      fetch: async (address, init) => {
        if (init.body instanceof URLSearchParams) forms.push(init.body)
        const answer = await fetch(address, init as RequestInit)
        if (takes === undefined || !address.includes('.well-known')) return answer
        const metadata = (await answer.json()) as object
        return Response.json({
          ...metadata,
          token_endpoint_auth_signing_alg_values_supported: takes,
        })
      },
    },
  )
  const attempt = {
    state: 's'.repeat(43),
    nonce: 'n'.repeat(43),
    verifier: 'v'.repeat(43),
    fresh: false,
  }
  const met = await client.finish(
    new URL(
      `${redirectUri}?code=none&state=${attempt.state}&iss=${encodeURIComponent(provider.issuer)}`,
    ),
    attempt,
  )
  const [form] = forms
  assert.ok(form !== undefined && forms.length === 1)
  return { form, met, issuer: provider.issuer }
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey

test('an assertion for this provider alone, once, in place of a secret', async (t) => {
  const { form, met, issuer } = await tokenForm(t, rsa, { kid: 'k1', 'x5t#S256': 'A'.repeat(43) })
  assert.equal(form.has('client_secret'), false)
  const assertion = form.get('client_assertion') ?? ''
  const { payload, protectedHeader } = await jwtVerify(assertion, createPublicKey(rsa), {
    issuer: 'valetkey',
    subject: 'valetkey',
    audience: issuer,
    requiredClaims: ['jti'],
  })
  assert.equal(payload.aud, issuer)
  assert.ok((payload.exp ?? Infinity) - (payload.iat ?? 0) <= 60)
  assert.deepEqual(
    [protectedHeader.alg, protectedHeader.kid, protectedHeader['x5t#S256']],
    ['PS256', 'k1', 'A'.repeat(43)],
  )
  // The client was believed: what is refused is the code.
  assert.deepEqual(met, { ok: false, why: 'refused', detail: 'invalid_grant' })
})

test('with an algorithm that the provider takes, where it says which', async (t) => {
  const algorithm = async (key: KeyObject, takes: string[]) => {
    const { form } = await tokenForm(t, key, {}, takes)
    return decodeProtectedHeader(form.get('client_assertion') ?? '').alg
  }
  assert.equal(await algorithm(rsa, ['RS256', 'ES256']), 'RS256')
  assert.equal(await algorithm(rsa, ['RS256', 'PS256']), 'PS256')
  assert.equal(await algorithm(rsa, ['ES256']), 'RS256', 'what every provider takes, else')
  assert.equal(await algorithm(p384, ['RS256']), 'ES384')
})

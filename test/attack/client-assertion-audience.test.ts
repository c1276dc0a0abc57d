/**
 * Assertions that were made for somebody else, or for somebody else as well: a hostile authorization server could pass
 * them on and be the agent here (draft-ietf-oauth-rfc7523bis; OpenID 2025-01 “audience injection”).
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { verifyClientAssertion } from '../../src/capability/client-assertion.ts'
import { newId } from '../../src/ids.ts'
import { registered } from '../capability/assertion-key.ts'
import { assertionOf, newTestKey, publicUrl } from '../support/client-assertion.ts'

const now = 1_800_000_000_000
const agent = newId('agent')
const key = newTestKey()
const keys = [await registered(key)]

async function isGood(aud: unknown): Promise<boolean> {
  const verdict = await verifyClientAssertion(assertionOf(key, agent, { now, claims: { aud } }), {
    issuer: publicUrl,
    now,
    keysOf: () => Promise.resolve(keys),
  })
  return verdict.ok
}

test('the issuer identifier as one string is the only audience', async () => {
  assert.equal(await isGood(publicUrl), true)
  for (const aud of [
    undefined,
    null,
    '',
    0,
    true,
    {},
    { 0: publicUrl, length: 1 },
    [],
    [publicUrl],
    [publicUrl, publicUrl],
    [publicUrl, 'https://elsewhere.example'],
    ['https://elsewhere.example', publicUrl],
    `${publicUrl}/`,
    `${publicUrl}/oauth/token`,
    `${publicUrl}/oauth/introspect`,
    `${publicUrl}/.well-known/oauth-authorization-server`,
    `${publicUrl}/operators`,
    `${publicUrl} https://elsewhere.example`,
    `${publicUrl}.elsewhere.example`,
    `${publicUrl}#`,
    publicUrl.toUpperCase(),
    publicUrl.replace('http:', 'https:'),
    publicUrl.replace('localhost', '127.0.0.1'),
    publicUrl.replace('localhost', 'localhost.'),
    ` ${publicUrl}`,
    'localhost:8474',
    agent,
    'https://elsewhere.example',
    '*',
  ])
    assert.equal(await isGood(aud), false, JSON.stringify(aud))
})

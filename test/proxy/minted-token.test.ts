/** What goes out in place of a credential that mints, where it, or what allowed the request, did not last as long as the wait. */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import type { Policy } from '../../src/directory/policy.ts'
import { createMintedTokens } from '../../src/proxy/minted-token.ts'
import { createScrubber } from '../../src/proxy/scrub.ts'
import { SecretText } from '../../src/vault/secret-text.ts'

const rule = 'rule_1' as never

const policy = {
  grant: { id: 'gr_1', provider: 'github', environmentId: 'env_1' },
  agent: { id: 'ag_1' },
  actors: [{ id: 'ag_2' }],
  actorRules: new Set([rule]),
  environment: { protected: false },
  approvalTerms: {},
  credential: { id: 'cred_1', version: 1 },
  freezes: [],
  binding: 1,
  state: 'active',
  expiresAt: Infinity,
} as unknown as Policy

function asked(given: { present?: Partial<Policy>; meanwhile?: (secret: SecretText) => void }) {
  const secret = SecretText.of('a-token-that-was-minted')
  const token = {
    ok: true,
    secret,
    guard: createScrubber('a-token-that-was-minted'),
    expiresAt: Infinity,
    refused: () => undefined,
  } as const
  const tokens = createMintedTokens({
    minter: { tokenFor: () => Promise.resolve(token) },
    confirm() {
      given.meanwhile?.(secret)
      return true
    },
    policyOf: () => Promise.resolve({ ...policy, ...given.present }),
    isRevoked: () => false,
    now: () => 0,
  })
  const subject = {
    policy,
    capabilityId: 'cap_1',
    correlationId: 'req_1',
    provider: 'github',
  }
  return tokens.forRequest(subject, [])
}

test('goes out where all is as it was', async () => {
  assert.equal((await asked({})).ok, true)
})

test('does not go out where the rule of one who acts holds no more', async () => {
  assert.equal((await asked({ present: { actorRules: new Set() } })).ok, false)
})

test('does not go out where it was erased meanwhile, and nothing is thrown', async () => {
  assert.equal((await asked({ meanwhile: (secret) => secret.dispose() })).ok, false)
})

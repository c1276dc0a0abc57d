/**
 * The handles of every provider that ships, against what its clients refuse. Their rules are those of their sources:
 * supabase/cli `internal/utils/access_token.go` (`AccessTokenPattern`), stripe/stripe-cli `pkg/validators/validate.go`
 * (`APIKey`, and its older form that knew test keys alone), vercel/vercel `packages/cli/src/index.ts` (`/(\W)/g` of
 * `--token`), which has no provider here and is what the default is for.
 */
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { makeHandle } from '../../src/capability/handle-form.ts'
import { defaultHandle, randomBits } from '../../src/core/handle-shape.ts'
import { shippedProviders } from '../../src/provider/registry.ts'

const providers = shippedProviders()
const handleOf = (name: string): string => {
  const adapter = providers.get(name)
  assert.ok(adapter !== undefined)
  return makeHandle(adapter.handle ?? defaultHandle, Buffer.alloc(32, 1), randomBytes)
}

test('every provider’s handles have 128 random bits and no dot', () => {
  assert.ok(providers.size >= 9)
  for (const [name, { handle = defaultHandle }] of providers) {
    assert.ok(randomBits(handle) >= 128, name)
    assert.doesNotMatch(handleOf(name), /\./)
  }
})

test('Supabase’s CLI takes its own', () => {
  const accepted = /^sbp_(oauth_)?[a-f0-9]{40}$/
  for (let i = 0; i < 20; i++) assert.match(handleOf('supabase'), accepted)
})

test('Stripe’s CLI takes its own, in its older form too', () => {
  const key = handleOf('stripe')
  const parts = key.split('_')
  assert.ok(key.length >= 12)
  assert.ok(parts.length >= 3)
  assert.ok(parts[0] === 'sk' || parts[0] === 'rk')
  assert.equal(parts[1], 'test')
})

test('DigitalOcean’s, OpenAI’s and Anthropic’s look like their keys', () => {
  assert.match(handleOf('digitalocean'), /^dop_v1_[a-f0-9]{64}$/)
  assert.match(handleOf('openai'), /^sk-[A-Za-z0-9]{48}$/)
  assert.match(handleOf('anthropic'), /^sk-ant-api03-[A-Za-z0-9]{48}$/)
})

test('Vercel’s CLI takes the default, which is the shape of whoever names none', () => {
  for (const name of ['railway', 'github', 'kubernetes', 'aws'])
    assert.equal(handleOf(name).match(/(\W)/g), null)
})

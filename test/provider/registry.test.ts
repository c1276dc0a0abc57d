import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'

const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    loaded.push(url)
    return next(url, context)
  },
})
const { shippedProviders } = await import('../../src/provider/registry.ts')
const providers = shippedProviders()
const ofProviders = (): readonly string[] =>
  loaded.filter((url) => /\/src\/provider\/[^/]+\//.test(url) || url.includes('/node_modules/'))

// The first: what is loaded stays loaded.
test('no code of a provider is loaded before something of it is asked for', () => {
  assert.deepEqual([...providers.keys()], [...providers.keys()].toSorted())
  assert.deepEqual(
    [...providers.values()].map(({ name }) => name),
    [...providers.keys()],
  )
  assert.ok(loaded.some((url) => url.endsWith('/src/provider/registry.ts')))
  assert.deepEqual(ofProviders(), [])
})

test('one provider’s code does not bring another’s', () => {
  assert.deepEqual(providers.get('stripe')?.pathPrefixes, [])
  assert.ok(ofProviders().some((url) => url.includes('/provider/stripe/adapter')))
  assert.ok(!ofProviders().some((url) => /\/provider\/(?:aws|graphql|github)\//.test(url)))
})

test('every provider is the adapter of its name, and a member that the adapter has not is absent', async () => {
  for (const [name, lazy] of providers) {
    const url = new URL(`../../src/provider/${name}/adapter.ts`, import.meta.url)
    const module = (await import(url.href)) as Record<string, () => Record<string, unknown>>
    const adapter = module[`${name}Adapter`]?.()
    assert.ok(adapter !== undefined)
    assert.equal(adapter['name'], name)
    assert.equal(lazy.catalogueVersion, adapter['catalogueVersion'])
    assert.equal(lazy.bodyLimit, adapter['bodyLimit'])
    const members = new Map<string, unknown>(Object.entries(lazy))
    for (const member of Object.keys(adapter))
      assert.equal(typeof members.get(member), typeof adapter[member], `${name} ${member}`)
    for (const [member, value] of members)
      assert.ok(value === undefined || member in adapter, `${name} ${member}`)
  }
})

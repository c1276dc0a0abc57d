/**
 * The providers that ship with the broker. Of each there is only its name until somebody asks for more: its code is
 * loaded then, and its catalogue at its first use, so that a start costs nothing for providers that nobody uses.
 */
import { createRequire } from 'node:module'
import type { ProviderAdapter } from './adapter.ts'
import type * as anthropic from './anthropic/adapter.ts'
import type * as aws from './aws/adapter.ts'
import type * as digitalocean from './digitalocean/adapter.ts'
import type * as github from './github/adapter.ts'
import type * as kubernetes from './kubernetes/adapter.ts'
import type * as openai from './openai/adapter.ts'
import type * as railway from './railway/adapter.ts'
import type * as stripe from './stripe/adapter.ts'
import type * as supabase from './supabase/adapter.ts'

// An adapter is asked things that cannot wait, which `import()` would. It is the same module to both.
const require = createRequire(import.meta.url)
const ending = import.meta.url.slice(import.meta.url.lastIndexOf('.'))

function load(name: string): unknown {
  return require(`./${name}/adapter${ending}`)
}

/** In the order of their names. */
const shipped: Readonly<Record<string, () => ProviderAdapter>> = {
  anthropic: () => (load('anthropic') as typeof anthropic).anthropicAdapter(),
  aws: () => (load('aws') as typeof aws).awsAdapter(),
  digitalocean: () => (load('digitalocean') as typeof digitalocean).digitaloceanAdapter(),
  github: () => (load('github') as typeof github).githubAdapter(),
  kubernetes: () => (load('kubernetes') as typeof kubernetes).kubernetesAdapter(),
  openai: () => (load('openai') as typeof openai).openaiAdapter(),
  railway: () => (load('railway') as typeof railway).railwayAdapter(),
  stripe: () => (load('stripe') as typeof stripe).stripeAdapter(),
  supabase: () => (load('supabase') as typeof supabase).supabaseAdapter(),
}

export function shippedProviders(): ReadonlyMap<string, ProviderAdapter> {
  return new Map(Object.entries(shipped).map(([name, make]) => [name, lazily(name, make)]))
}

/** A member that is not here would be one that no shipped provider has. */
const members: Readonly<Record<Exclude<keyof ProviderAdapter, 'name'>, true>> = {
  catalogueVersion: true,
  origins: true,
  pathPrefixes: true,
  idempotencyHeader: true,
  samePath: true,
  carriers: true,
  handle: true,
  injections: true,
  bindings: true,
  errorMember: true,
  errorAnswer: true,
  headers: true,
  bodyLimit: true,
  operations: true,
  find: true,
  prepare: true,
  identify: true,
  bindingPlace: true,
  locate: true,
  asks: true,
  facts: true,
  preconditions: true,
  check: true,
  reach: true,
  minted: true,
  delivered: true,
  revealed: true,
}

/**
 * Made at the first use of any member, and from then on the adapter's own members, not a way to them: requests ask for a
 * dozen of them each. One that it does not have is undefined.
 */
function lazily(name: string, make: () => ProviderAdapter): ProviderAdapter {
  const lazy = { name }
  const settle = (): ProviderAdapter => {
    const adapter = make()
    for (const member of Object.keys(members))
      Object.defineProperty(
        lazy,
        member,
        Object.getOwnPropertyDescriptor(adapter, member) ?? { value: undefined },
      )
    return adapter
  }
  for (const member of Object.keys(members) as (keyof typeof members)[])
    Object.defineProperty(lazy, member, {
      enumerable: true,
      configurable: true,
      get: (): unknown => settle()[member],
    })
  return lazy as ProviderAdapter
}

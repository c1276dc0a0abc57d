/** The providers that ship with the broker, each an adapter that loads its catalogue at its first use. */
import type { ProviderAdapter } from './adapter.ts'
import { anthropicAdapter } from './anthropic/adapter.ts'
import { awsAdapter } from './aws/adapter.ts'
import { digitaloceanAdapter } from './digitalocean/adapter.ts'
import { githubAdapter } from './github/adapter.ts'
import { kubernetesAdapter } from './kubernetes/adapter.ts'
import { openaiAdapter } from './openai/adapter.ts'
import { railwayAdapter } from './railway/adapter.ts'
import { stripeAdapter } from './stripe/adapter.ts'
import { supabaseAdapter } from './supabase/adapter.ts'

export function shippedProviders(): ReadonlyMap<string, ProviderAdapter> {
  const adapters = [
    // In the order of their names.
    anthropicAdapter(),
    awsAdapter(),
    digitaloceanAdapter(),
    githubAdapter(),
    kubernetesAdapter(),
    openaiAdapter(),
    railwayAdapter(),
    stripeAdapter(),
    supabaseAdapter(),
  ]
  return new Map(adapters.map((adapter) => [adapter.name, adapter]))
}

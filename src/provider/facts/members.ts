/** What an adapter has for facts and preconditions, from the rules of its manifest. */
import type { ProviderAdapter } from '../adapter.ts'
import type { FactClocks, FactSource } from './ask.ts'
import { checkByRules, preconditionsOf } from './check.ts'
import { factsByRules } from './facts.ts'

type FactMembers = Required<Pick<ProviderAdapter, 'asks' | 'facts'>> &
  Pick<ProviderAdapter, 'preconditions' | 'check'>

export function factMembers(source: FactSource, clocks: FactClocks): FactMembers {
  const preconditions = preconditionsOf(source.facts)
  return {
    asks: [...new Set(source.facts.rules.map(({ ask }) => ask.operation))],
    facts: factsByRules(source, clocks),
    ...(preconditions.length === 0 ? {} : { preconditions, check: checkByRules(source, clocks) }),
  }
}

/**
 * The choices that the cases leave open, as docs/conformance.md states them. A choice is made the same way in every case
 * that bears its name, and as it is stated; one that nothing is stated about is reported.
 */
import type { Result } from './result.ts'

export const choices: Readonly<Record<string, 'allow' | 'deny'>> = {
  'project-level-metadata': 'deny',
  'batching-support': 'deny',
  'graphql-over-get': 'deny',
  'encoded-slash-per-route': 'allow',
  'head-like-get': 'allow',
}

export type Policy = {
  /** A choice that came out otherwise than it is stated, or in two ways. */
  readonly problems: readonly string[]
  /** Choices that were made and are not stated. */
  readonly unstated: readonly string[]
}

export function policyOf(results: readonly Result[]): Policy {
  const made = new Map<string, Map<'allow' | 'deny', string>>()
  for (const { id, choices: found } of results)
    for (const [name, choice] of Object.entries(found ?? {}))
      made.set(name, (made.get(name) ?? new Map<'allow' | 'deny', string>()).set(choice, id))
  const problems: string[] = []
  const unstated: string[] = []
  for (const [name, ways] of made) {
    if (ways.size > 1)
      problems.push(
        `the choice "${name}" was made in two ways: ${[...ways.values()].join(' and ')}`,
      )
    const stated = choices[name]
    for (const [choice, id] of ways) {
      if (stated === undefined) unstated.push(`${id}: the choice "${name}" was ${choice}`)
      else if (stated !== choice)
        problems.push(`${id}: the choice "${name}" is documented as ${stated}, and was ${choice}`)
    }
  }
  return { problems, unstated }
}

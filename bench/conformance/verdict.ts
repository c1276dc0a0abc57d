/** What a case expects of a decision, and whether it came out so. Shared by the files whose cases are single requests. */
import { number, text, texts, type Case } from './cases.ts'
import { outcomeOf } from './result.ts'
import { contains, type Watched } from './watch.ts'
import { headerOf } from './wire.ts'
import type { World } from './world.ts'

export type Verdict = {
  readonly problems: readonly string[]
  readonly choices: Readonly<Record<string, 'allow' | 'deny'>>
}

export function judge(world: World, each: Case, expected: string, watched: Watched): Verdict {
  const { expect } = each
  const outcome = outcomeOf(watched)
  const allowed = outcome === 'allow'
  const problems: string[] = [...watched.broken]
  const wrong = (): void => {
    problems.push(
      `expected ${expected}, and it was ${outcome}: ${String(watched.status ?? 'closed')} ${watched.code ?? ''}, ${String(watched.forwarded.length)} forwarded`,
    )
  }
  const choices: Record<string, 'allow' | 'deny'> = {}
  switch (expected) {
    case 'allow':
      if (!allowed || watched.forwarded.length !== 1) wrong()
      break
    case 'deny':
      if (outcome !== 'deny') wrong()
      break
    case 'approval_required':
      if (outcome !== 'approval_required' || watched.status !== 403) wrong()
      break
    case 'deny_or_sanitize':
    case 'deny_or_canonical':
      if (outcome !== 'deny' && !(allowed && watched.forwarded.length === 1)) wrong()
      break
    case 'either': {
      if (outcome !== 'deny' && !(allowed && watched.forwarded.length === 1)) wrong()
      const decision = text(expect['policy_decision'])
      if (decision !== undefined) choices[decision] = allowed ? 'allow' : 'deny'
      break
    }
    default:
      problems.push(`not driven: this driver does not know what "${expected}" expects`)
  }
  if (watched.forwarded.length > 0) problems.push(...forwardedProblems(world, expect, watched))
  const status = number(expect['status_must_not_be'])
  if (status !== undefined && watched.status === status)
    problems.push(`it answered ${String(status)}`)
  return { problems, choices }
}

function forwardedProblems(
  world: World,
  expect: Case['expect'],
  watched: Watched,
): readonly string[] {
  const { expansion, values } = world
  const problems: string[] = []
  for (const needle of texts(expect['upstream_must_not_contain'])) {
    const word = expansion.expand(needle, values)
    if (contains(watched.forwarded, word)) problems.push(`the provider got ${word}`)
  }
  for (const name of texts(expect['upstream_must_not_have_headers']))
    if (watched.forwarded.some((request) => headerOf(request, name.toLowerCase()) !== undefined))
      problems.push(`the provider got the header ${name}`)
  const path = text(expect['upstream_path'])
  if (path !== undefined) {
    const target = expansion.expand(path, values)
    for (const request of watched.forwarded)
      if (request.target !== target)
        problems.push(`the provider got the target ${request.target}, not ${target}`)
  }
  return problems
}

/**
 * What a credential reaches, asked once when it is stored. Only an installation's token says it completely; of a
 * person's token the list of repositories can prove that it reaches too much, never that it does not.
 */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, Reach } from '../adapter.ts'
import { member } from './locate.ts'
import { repositoryBinding } from './manifest.ts'

const pageSize = 100

export async function reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const installation = await get(ask, `/installation/repositories?per_page=${pageSize}`)
  if (installation?.status === 401) return rejected
  if (installation?.status === 200) {
    const names = fullNames(member(installation.json, 'repositories'))
    const total = member(installation.json, 'total_count')
    if (names === undefined || typeof total !== 'number')
      return unknown('GitHub did not list its repositories')
    return judge(names, Math.max(total, names.length), bound) ?? { kind: 'within' }
  }
  const person = await get(ask, `/user/repos?per_page=${pageSize}`)
  if (person?.status === 401) return rejected
  if (person?.status !== 200) return unknown('GitHub does not say what this token reaches')
  const names = fullNames(person.json)
  if (names === undefined) return unknown('GitHub did not list its repositories')
  return (
    judge(names, names.length, bound) ??
    unknown(
      "it is a person's token, which also acts for their account; an installation token of an app does not",
    )
  )
}

const rejected: Reach = { kind: 'rejected', detail: 'GitHub does not accept this token' }

function unknown(detail: string): Reach {
  return { kind: 'unknown', detail }
}

function judge(
  names: readonly string[],
  total: number,
  bound: ReadonlySet<Place>,
): Reach | undefined {
  const outside = names.filter((name) => !bound.has(place(repositoryBinding.kind, name))).length
  if (outside === 0 && total <= names.length) return undefined
  const seen = total > names.length || names.length === pageSize ? `at least ${total}` : `${total}`
  return {
    kind: 'wider',
    detail: `it reaches ${seen} repositories, of which the environment has ${names.length - outside}`,
  }
}

async function get(ask: Ask, target: string): Promise<Awaited<ReturnType<Ask>> | undefined> {
  try {
    return await ask({
      method: 'GET',
      target,
      headers: { accept: 'application/vnd.github+json' },
      body: undefined,
    })
  } catch {
    return undefined
  }
}

/** Lower-case `owner/name` of each; undefined where the answer is not such a list. */
function fullNames(json: unknown): readonly string[] | undefined {
  if (!Array.isArray(json)) return undefined
  const names: string[] = []
  for (const entry of json as readonly unknown[]) {
    const name = member(entry, 'full_name')
    if (typeof name !== 'string') return undefined
    names.push(name.toLowerCase())
  }
  return names
}

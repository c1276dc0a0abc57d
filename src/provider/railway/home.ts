/** What the ways of finding a thing's home have in common. */
import type { ResourceRef } from '../../core/operation.ts'
import { Unestablished } from '../unestablished.ts'
import { isAnswer, text, type Answer, type Asker } from './question.ts'

/** The environments a thing lives in, and the project it belongs to where that matters. */
export type Home = { readonly environments: readonly string[]; readonly project?: string }

/** Remembers answers for as long as the caller thinks right. Failures are never remembered. */
export type Remember = <T>(key: readonly string[], find: () => Promise<T>) => Promise<T>

export type Search = {
  readonly asker: Asker
  readonly remember: Remember
  /** The environments to look in, bound first. */
  readonly environments: readonly string[]
  /** What else the invocation names: a backup is found in the volume instance beside it. */
  readonly beside: readonly ResourceRef[]
}

export const page = 'pageInfo { hasNextPage endCursor }'

export type Finder = (id: string, search: Search) => Promise<Home>

/** The project of an environment. */
export function projectOf(environment: string, search: Search): Promise<string> {
  return search.remember(['projectOf', environment], async () => {
    const data = await search.asker.data(
      'query ($id: String!) { environment(id: $id) { id projectId } }',
      { id: environment },
    )
    return text(same(data['environment'], environment), 'projectId')
  })
}

export async function projects(search: Search): Promise<Set<string>> {
  const found = new Set<string>()
  for (const environment of search.environments) found.add(await projectOf(environment, search))
  return found
}

/** The first place where it is found. One that could not be looked in leaves it open, unless another has it. */
export async function firstOf(
  candidates: Iterable<string>,
  find: (candidate: string) => Promise<Home | undefined>,
): Promise<Home> {
  let failure: Unestablished | undefined
  for (const candidate of candidates) {
    try {
      const home = await find(candidate)
      if (home !== undefined) return home
    } catch (error) {
      if (!(error instanceof Unestablished)) throw error
      failure ??= error
    }
  }
  throw failure ?? new Unestablished('not_found')
}

export function idsOf(list: unknown, key: string): Set<string> {
  if (!Array.isArray(list)) throw new Unestablished('view_incomplete')
  return new Set(
    (list as unknown[]).map((item) => {
      if (!isAnswer(item)) throw new Unestablished('view_incomplete')
      return text(item, key)
    }),
  )
}

export function seen(cursors: Set<string>, next: string): string {
  if (cursors.has(next)) throw new Unestablished('view_incomplete')
  cursors.add(next)
  return next
}

/** The answer must be about the id that was asked for. */
export function same(value: unknown, id: string): Answer {
  if (value === null || value === undefined) throw new Unestablished('not_found')
  if (!isAnswer(value)) throw new Unestablished('view_incomplete')
  if (value['id'] !== id) throw new Unestablished('not_found')
  return value
}

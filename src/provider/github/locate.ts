/**
 * Where an operation of GitHub reaches: the repositories that its path names. A name says where it is without asking,
 * but a name is also what an owner can change: before anything grave is done, GitHub is asked whether the name is still
 * that repository's own, because a renamed one answers under its old name too, and the old name can be taken by another.
 */
import type { Invocation, Located, Place, Unresolved } from '../../core/operation.ts'
import { place } from '../../core/operation.ts'
import type { JsonObject, ResourceRef } from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import { encodeSegment } from '../rest/segment.ts'
import { repositoryBinding } from './manifest.ts'

const { kind } = repositoryBinding

/** Every pair of parameters that names a repository. */
const pairs = [
  ['owner', 'repo'],
  ['template_owner', 'template_repo'],
  ['repo_owner', 'repo_name'],
] as const

/** Repositories named by the path: `acme/app`, in lower case, since GitHub compares them without regard to case. */
export function repositoriesOf(args: JsonObject): readonly ResourceRef[] {
  const found: ResourceRef[] = []
  for (const [ownerName, repoName] of pairs) {
    const owner = args[ownerName]
    const repo = args[repoName]
    if (typeof owner !== 'string' || typeof repo !== 'string') continue
    found.push({
      kind,
      id: `${owner}/${repo}`.toLowerCase(),
      role: 'target',
      path: `${ownerName},${repoName}`,
    })
  }
  return found
}

export function locate(invocation: Invocation, context: LocateContext): Located | Promise<Located> {
  if (!invocation.resources.every((resource) => resource.kind === kind)) {
    const unresolved = invocation.resources.map(({ kind, id }): Unresolved => ({
      kind,
      id,
      why: 'no_resolver',
    }))
    return { places: [], unresolved }
  }
  const ids = [...new Set(invocation.resources.map(({ id }) => id))]
  return context.fresh
    ? confirm(ids, context)
    : { places: ids.map((id) => place(kind, id)), unresolved: [] }
}

async function confirm(ids: readonly string[], context: LocateContext): Promise<Located> {
  const places: Place[] = []
  const unresolved: Unresolved[] = []
  for (const id of ids) {
    const where = place(kind, id)
    // Denied either way: GitHub is not asked about a repository that the capability has nothing to do with.
    const why = context.bound.has(where) ? await doubt(id, context) : undefined
    if (why === undefined) places.push(where)
    else unresolved.push({ kind, id, why })
  }
  return { places, unresolved }
}

async function doubt(id: string, context: LocateContext): Promise<Unresolved['why'] | undefined> {
  const [owner = '', repo = ''] = id.split('/')
  let answer: Awaited<ReturnType<LocateContext['ask']>>
  try {
    answer = await context.ask({
      method: 'GET',
      target: `/repos/${encodeSegment(owner)}/${encodeSegment(repo)}`,
      headers: { accept: 'application/vnd.github+json' },
      body: undefined,
    })
  } catch {
    return 'lookup_failed'
  }
  // A redirect is how GitHub answers for a repository that has moved to another name.
  if (answer.status === 301 || answer.status === 307 || answer.status === 404) return 'not_found'
  if (answer.status !== 200) return 'lookup_failed'
  const fullName = member(answer.json, 'full_name')
  return typeof fullName === 'string' && fullName.toLowerCase() === id ? undefined : 'not_found'
}

/** One member of a JSON object that someone else wrote. */
export function member(json: unknown, name: string): unknown {
  if (json === null || typeof json !== 'object' || !Object.hasOwn(json, name)) return undefined
  return (json as Readonly<Record<string, unknown>>)[name]
}

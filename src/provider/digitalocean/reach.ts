/**
 * What a token reaches: its scopes narrow what it may do, never where. Where the account has a project that is not bound
 * here, the token reaches it.
 */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, Reach } from '../adapter.ts'

export async function reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const answer = await ask({
    method: 'GET',
    target: '/v2/projects?per_page=200',
    headers: { accept: 'application/json' },
    body: undefined,
  }).catch(() => undefined)
  if (answer?.status === 401)
    return { kind: 'rejected', detail: 'DigitalOcean does not accept this token' }
  const ids = answer?.status === 200 ? idsOf(answer.json) : undefined
  if (ids === undefined)
    return { kind: 'unknown', detail: 'DigitalOcean does not say what this token reaches' }
  const outside = ids.filter((id) => !bound.has(place('project', id))).length
  if (outside > 0) {
    return {
      kind: 'wider',
      detail: `it reaches ${String(ids.length)} projects, of which the environment has ${String(ids.length - outside)}`,
    }
  }
  return {
    kind: 'unknown',
    detail: 'it reaches the whole account, of which the environment has every project there is now',
  }
}

function idsOf(json: unknown): readonly string[] | undefined {
  if (typeof json !== 'object' || json === null || !('projects' in json)) return undefined
  const { projects } = json
  if (!Array.isArray(projects)) return undefined
  const ids: string[] = []
  for (const project of projects as readonly unknown[]) {
    if (typeof project !== 'object' || project === null || !('id' in project)) return undefined
    if (typeof project.id !== 'string') return undefined
    ids.push(project.id)
  }
  return ids
}

/** What a token reaches: a personal one every project of every organization that its owner is a member of. */
import { place, type Place } from '../../core/operation.ts'
import type { Ask, Reach } from '../adapter.ts'

export async function reach(ask: Ask, bound: ReadonlySet<Place>): Promise<Reach> {
  const answer = await ask({
    method: 'GET',
    target: '/v1/projects',
    headers: { accept: 'application/json' },
    body: undefined,
  }).catch(() => undefined)
  if (answer?.status === 401)
    return { kind: 'rejected', detail: 'Supabase does not accept this token' }
  const refs = answer?.status === 200 ? refsOf(answer.json) : undefined
  if (refs === undefined)
    return { kind: 'unknown', detail: 'Supabase does not say what this token reaches' }
  const outside = refs.filter((ref) => !bound.has(place('project', ref))).length
  if (outside > 0) {
    return {
      kind: 'wider',
      detail: `it reaches ${String(refs.length)} projects, of which the environment has ${String(refs.length - outside)}`,
    }
  }
  return {
    kind: 'unknown',
    detail: 'it reaches its organizations, of which the environment has every project there is now',
  }
}

function refsOf(json: unknown): readonly string[] | undefined {
  if (!Array.isArray(json)) return undefined
  const refs: string[] = []
  for (const project of json as readonly unknown[]) {
    // Older answers call the ref `id`.
    if (typeof project !== 'object' || project === null) return undefined
    const ref = 'ref' in project ? project.ref : 'id' in project ? project.id : undefined
    if (typeof ref !== 'string') return undefined
    refs.push(ref)
  }
  return refs
}

/**
 * Which environments an invocation touches. An environment's own id is its place and needs no question. A target touches
 * every environment it lives in, whatever environment is named beside it. A container touches all of its environments
 * unless environments are named, and then each of those must be one of its own.
 */
import { LRUCache } from 'lru-cache'
import {
  place,
  type Invocation,
  type Located,
  type Place,
  type ResourceRef,
} from '../../core/operation.ts'
import type { Unresolved } from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import { documentLimits } from '../graphql/limits.ts'
import { createGenerations, type Generations } from '../kept-answers.ts'
import { Asker } from './question.ts'
import type { Home, Remember, Search } from './home.ts'
import { resolve } from './resolve.ts'

/** How long an answer is believed for operations that are not destructive, admin or secret, in milliseconds. */
export const answerLifetime = 5_000

const prefix = 'environment:'
const nowhere: Located = { places: [], unresolved: [] }

type Kept = { readonly until: number; readonly value: Promise<unknown> }

/** `now` is a clock in milliseconds that never goes back. */
export function railwayLocate(
  now: () => number,
  generations: Generations = createGenerations(),
): (invocation: Invocation, context: LocateContext) => Promise<Located> | Located {
  const shared = new LRUCache<string, Kept>({ max: 5_000 })
  // What one request has asked already, also where answers must be fresh; and how much it may still ask.
  const requests = new WeakMap<
    LocateContext,
    { asker: Asker; answers: Map<string, Promise<unknown>> }
  >()

  function remember(context: LocateContext, answers: Map<string, Promise<unknown>>): Remember {
    return <T>(key: readonly string[], find: () => Promise<T>): Promise<T> => {
      const name = JSON.stringify(key)
      const own = answers.get(name)
      if (own !== undefined) return own as Promise<T>
      if (context.fresh) {
        const value = find()
        answers.set(name, value)
        return value
      }
      // No two credentials share an answer: what one may see, the other may not.
      const { cacheKey } = context
      const sharedKey = JSON.stringify([cacheKey, generations.of(cacheKey), ...key])
      const kept = shared.get(sharedKey)
      if (kept !== undefined && kept.until > now()) return kept.value as Promise<T>
      // Counted from when the question was asked: what it says was true no later than that.
      const value = find()
      const entry = { until: now() + answerLifetime, value }
      shared.set(sharedKey, entry)
      value.catch(() => {
        if (shared.get(sharedKey) === entry) shared.delete(sharedKey)
      })
      return value
    }
  }

  return function locate(invocation, context) {
    if (invocation.scope !== 'environment') return nowhere
    const { resources } = invocation
    if (resources.length > documentLimits.ids)
      return { places: [], unresolved: [{ kind: 'request', id: '', why: 'too_many' }] }
    const places = new Set<Place>()
    const others = new Map<string, ResourceRef>()
    for (const resource of resources) {
      if (resource.kind === 'environment') places.add(place('environment', resource.id))
      else others.set(`${resource.role} ${resource.kind} ${resource.id}`, resource)
    }
    if (others.size === 0) return { places: [...places], unresolved: [] }

    let request = requests.get(context)
    if (request === undefined) {
      request = { asker: new Asker(context.ask), answers: new Map() }
      requests.set(context, request)
    }
    const named = [...places].map((name) => name.slice(prefix.length))
    const bound = [...context.bound].flatMap((name) =>
      name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
    )
    const search: Search = {
      asker: request.asker,
      remember: remember(context, request.answers),
      // A named environment that is not bound is denied whatever stands in it: nothing is asked about it.
      environments: bound,
      beside: resources,
    }
    return locateOthers([...others.values()], named, places, search)
  }
}

async function locateOthers(
  others: readonly ResourceRef[],
  named: readonly string[],
  places: Set<Place>,
  search: Search,
): Promise<Located> {
  const unresolved: Unresolved[] = []
  for (const { kind, id, role } of others) {
    const resolved = await resolve(kind, id, search)
    if (!resolved.ok) {
      unresolved.push({ kind, id, why: resolved.why })
    } else if (role === 'target' || named.length === 0) {
      for (const environment of resolved.home.environments)
        places.add(place('environment', environment))
    } else if (!(await holdsAll(resolved.home, named, search))) {
      unresolved.push({ kind, id, why: 'outside_container' })
    }
  }
  return { places: [...places], unresolved }
}

/**
 * Whether a container has every named environment. A service may have no instance yet where it is to be deployed or
 * given a volume: there it is enough that the environment belongs to the service's project.
 */
async function holdsAll(home: Home, named: readonly string[], search: Search): Promise<boolean> {
  for (const environment of named) {
    if (home.environments.includes(environment)) continue
    if (home.project === undefined) return false
    const whole = await resolve('project', home.project, search)
    if (!whole.ok || !whole.home.environments.includes(environment)) return false
  }
  return true
}

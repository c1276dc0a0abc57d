/**
 * Which repositories a GraphQL operation touches. A repository's name is settled as in the REST API. A node's id and an
 * address say nothing by themselves: GitHub is asked, with the broker's credential, and what it does not clearly answer
 * is denied. The ids of one request go in one question.
 *
 * Every id is a target, so one whose home is not known denies the request, whatever else the request names.
 */
import { LRUCache } from 'lru-cache'
import { place, type Invocation, type Located, type Unresolved } from '../../../core/operation.ts'
import type { ResourceRef, UnresolvedReason } from '../../../core/operation.ts'
import type { LocateContext } from '../../adapter.ts'
import { documentLimits } from '../../graphql/limits.ts'
import { createGenerations, type Generations } from '../../kept-answers.ts'
import { locate as locateNames } from '../locate.ts'
import { repositoryBinding } from '../manifest.ts'
import {
  addressQuestion,
  homeOf,
  isObject,
  nodesQuestion,
  question,
  type Home,
} from './question.ts'

/** How long an answer is believed for operations that are not destructive, admin or secret, in milliseconds. */
export const answerLifetime = 5_000

/** Questions about addresses that one request may cost; ids cost one question together. */
const addressBudget = 5

type Found =
  | { readonly ok: true; readonly repository: string }
  | { readonly ok: false; readonly why: UnresolvedReason }
type Kept = { readonly until: number; readonly repository: string }

/** What one request has asked, and the ids that wait for its one question. */
type Asking = {
  readonly names: Map<string, Located | Promise<Located>>
  readonly nodes: Map<string, Promise<Found>>
  readonly addresses: Map<string, Promise<Found>>
  batch: Promise<ReadonlyMap<string, Found>> | undefined
  waiting: Set<string>
}

/** Old ids are base64, new ones base64url behind a prefix. What is longer, or holds anything else, is not one. */
const idShape = /^[A-Za-z0-9_=+/-]{1,200}$/

/** `now` is a clock in milliseconds that never goes back. */
export function githubGraphqlLocate(
  now: () => number,
  generations: Generations = createGenerations(),
): (invocation: Invocation, context: LocateContext) => Promise<Located> | Located {
  const kept = new LRUCache<string, Kept>({ max: 5_000 })
  const requests = new WeakMap<LocateContext, Asking>()

  function remembered(key: string, context: LocateContext): Found | undefined {
    if (context.fresh) return undefined
    // No two credentials share an answer: what one may see, the other may not.
    const entry = kept.get(keptUnder(key, context))
    return entry !== undefined && entry.until > now()
      ? { ok: true, repository: entry.repository }
      : undefined
  }

  function keptUnder(key: string, { cacheKey }: LocateContext): string {
    return `${cacheKey}\n${String(generations.of(cacheKey))}\n${key}`
  }

  /** Only what was found is kept, from when it was asked and under what was so then: it was true no later than that. */
  async function remember(
    key: string,
    context: LocateContext,
    find: () => Promise<Found>,
  ): Promise<Found> {
    const until = now() + answerLifetime
    const under = keptUnder(key, context)
    const found = await find()
    if (found.ok && !context.fresh) kept.set(under, { until, repository: found.repository })
    return found
  }

  function node(id: string, asking: Asking, context: LocateContext): Promise<Found> {
    const known = asking.nodes.get(id)
    if (known !== undefined) return known
    const old = remembered(`node ${id}`, context)
    const found =
      old !== undefined
        ? Promise.resolve(old)
        : !idShape.test(id)
          ? Promise.resolve<Found>({ ok: false, why: 'not_found' })
          : wait(id, asking, context)
    asking.nodes.set(id, found)
    return found
  }

  async function wait(id: string, asking: Asking, context: LocateContext): Promise<Found> {
    asking.waiting.add(id)
    // The other operations of the request are located before any of them is awaited: one question serves them all.
    asking.batch ??= Promise.resolve().then(() => {
      const ids = [...asking.waiting]
      asking.waiting = new Set()
      asking.batch = undefined
      return askNodes(ids, context)
    })
    const { batch } = asking
    return remember(
      `node ${id}`,
      context,
      async () => (await batch).get(id) ?? { ok: false, why: 'lookup_failed' },
    )
  }

  async function address(url: string, context: LocateContext): Promise<Found> {
    const old = remembered(`url ${url}`, context)
    if (old !== undefined) return old
    if (url.length > 1_000) return { ok: false, why: 'not_found' }
    return remember(`url ${url}`, context, async () => {
      const data = await answerTo(addressQuestion, { url }, context)
      return data === undefined
        ? { ok: false, why: 'lookup_failed' }
        : judge(data['resource'] === null ? undefined : homeOf(data['resource']))
    })
  }

  return function locate(invocation, context) {
    if (invocation.scope !== 'environment') return { places: [], unresolved: [] }
    const { resources } = invocation
    if (resources.length > documentLimits.ids)
      return { places: [], unresolved: [{ kind: 'request', id: '', why: 'too_many' }] }
    let asking = requests.get(context)
    if (asking === undefined) {
      asking = {
        names: new Map(),
        nodes: new Map(),
        addresses: new Map(),
        batch: undefined,
        waiting: new Set(),
      }
      requests.set(context, asking)
    }
    const shared = asking
    const lookUp = (ref: ResourceRef): Promise<Found> => {
      if (ref.kind === 'node') return node(ref.id, shared, context)
      if (ref.kind !== 'url') return Promise.resolve({ ok: false, why: 'no_resolver' })
      const known = shared.addresses.get(ref.id)
      if (known !== undefined) return known
      if (shared.addresses.size >= addressBudget)
        return Promise.resolve({ ok: false, why: 'too_many' })
      const found = address(ref.id, context)
      shared.addresses.set(ref.id, found)
      return found
    }

    const others = resources.filter((ref) => ref.kind !== repositoryBinding.kind)
    const names = resources.filter((ref) => ref.kind === repositoryBinding.kind)
    const key = names.map(({ id }) => id).join(' ')
    let byName = shared.names.get(key)
    if (byName === undefined) {
      // One name under many aliases is confirmed once.
      byName = locateNames({ ...invocation, resources: names }, context)
      shared.names.set(key, byName)
    }
    if (others.length === 0) return byName
    return gather(byName, others, others.map(lookUp))
  }
}

async function gather(
  settled: Located | Promise<Located>,
  others: readonly ResourceRef[],
  asked: readonly Promise<Found>[],
): Promise<Located> {
  const [byName, ...found] = await Promise.all([settled, ...asked])
  const places = new Set(byName.places)
  const unresolved: Unresolved[] = [...byName.unresolved]
  for (const [i, ref] of others.entries()) {
    const answer = found[i] ?? { ok: false, why: 'lookup_failed' }
    if (answer.ok) places.add(place(repositoryBinding.kind, answer.repository))
    else unresolved.push({ kind: ref.kind, id: ref.id, why: answer.why })
  }
  return { places: [...places], unresolved }
}

function judge(home: Home | undefined): Found {
  if (home?.kind === 'repository') return { ok: true, repository: home.name }
  return { ok: false, why: home?.kind === 'none' ? 'no_resolver' : 'not_found' }
}

/** The answer's `data`. Undefined where it is no whole answer: partial data beside errors is how a view goes missing. */
async function answerTo(
  query: string,
  variables: Readonly<Record<string, unknown>>,
  context: LocateContext,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  let answer: Awaited<ReturnType<LocateContext['ask']>>
  try {
    answer = await context.ask(question(query, variables))
  } catch {
    return undefined
  }
  const { status, json } = answer
  if (status !== 200 || !isObject(json)) return undefined
  const data = json['data']
  return isObject(data) && notFoundOnly(json['errors']) ? data : undefined
}

/** GitHub says of an id that names nothing, or nothing that the credential may see, null and an error of this type. */
function notFoundOnly(errors: unknown): boolean {
  if (errors === undefined) return true
  return (
    Array.isArray(errors) &&
    errors.every((error: unknown) => isObject(error) && error['type'] === 'NOT_FOUND')
  )
}

async function askNodes(
  ids: readonly string[],
  context: LocateContext,
): Promise<ReadonlyMap<string, Found>> {
  const data = await answerTo(nodesQuestion, { ids }, context)
  const nodes = data?.['nodes']
  const found = new Map<string, Found>()
  // An answer about fewer or more things than were asked for is about nothing.
  if (!Array.isArray(nodes) || nodes.length !== ids.length) return found
  for (const [i, id] of ids.entries()) {
    const node: unknown = nodes[i]
    // The answer must be about the id that was asked for, spelled as it will be sent.
    const same = isObject(node) && node['id'] === id
    found.set(id, same ? judge(homeOf(node)) : { ok: false, why: 'not_found' })
  }
  return found
}

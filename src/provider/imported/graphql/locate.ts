/**
 * Where an operation of an operator's GraphQL provider reaches, by the homes that its manifest states. A target touches
 * every place it lives in, whatever environment is named beside it. A container touches all of its places, unless
 * environments are named, and then each of those must be one of its own.
 */
import {
  place,
  type Invocation,
  type Located,
  type Place,
  type ResourceRef,
  type Unresolved,
  type UnresolvedReason,
} from '../../../core/operation.ts'
import type { LocateContext } from '../../adapter.ts'
import { isWrite } from '../../kept-answers.ts'
import { Unestablished } from '../../unestablished.ts'
import type { ImportedHome, ImportedManifest } from '../manifest.ts'
import { idOf, wholeAt, type Questions } from './question.ts'

/** More pages than this are not a list that can be read for one request. */
const mostPages = 15

type Found =
  | { readonly ok: true; readonly places: readonly Place[] }
  | { readonly ok: false; readonly why: UnresolvedReason }

export function createGraphqlLocator(
  manifest: ImportedManifest,
  questions: Questions,
): (invocation: Invocation, context: LocateContext) => Promise<Located> {
  const { homes = {} } = manifest

  function placeOf(kind: string, id: string): Place {
    return place(kind, manifest.caseless === true ? id.toLowerCase() : id)
  }

  async function placesOf(
    kind: string,
    id: string,
    context: LocateContext,
  ): Promise<readonly Place[]> {
    const home = Object.hasOwn(homes, kind) ? homes[kind] : undefined
    switch (home?.is) {
      case 'place':
        return [placeOf(kind, id)]
      case 'queried':
        return queried(home, id, context)
      case 'queried_list':
        return inLists(home, id, context)
      // Asked by a path, of a REST provider.
      case 'asked':
      case 'listed':
      case undefined:
        throw new Unestablished('no_resolver')
    }
  }

  async function queried(
    home: Extract<ImportedHome, { is: 'queried' }>,
    id: string,
    context: LocateContext,
  ): Promise<readonly Place[]> {
    const data = await questions.data(home.query, { id: sent(home.query, 'id', id) }, context)
    answersAbout(data, home.same, id)
    if (home.more !== undefined && hasMore(data, home.more))
      throw new Unestablished('view_incomplete')
    const owners = wholeAt(data, home.at)?.map(idOf)
    // What lives nowhere we can see may live where we cannot.
    if (owners === undefined || owners.length === 0) throw new Unestablished('view_incomplete')
    const places: Place[] = []
    for (const owner of new Set(owners)) {
      if (owner === undefined) throw new Unestablished('lookup_failed')
      places.push(...(await placesOf(home.of, owner, context)))
    }
    return places
  }

  /** In the list of each bound place, read to its end. What stands in none of them is not ours to touch. */
  async function inLists(
    home: Extract<ImportedHome, { is: 'queried_list' }>,
    id: string,
    context: LocateContext,
  ): Promise<readonly Place[]> {
    const prefix = place(home.of, '')
    const found: Place[] = []
    for (const bound of context.bound) {
      if (!bound.startsWith(prefix)) continue
      if (await isListed(home, bound.slice(prefix.length), id, context)) found.push(bound)
    }
    if (found.length === 0) throw new Unestablished('not_found')
    return found
  }

  async function isListed(
    home: Extract<ImportedHome, { is: 'queried_list' }>,
    of: string,
    id: string,
    context: LocateContext,
  ): Promise<boolean> {
    const { query, cursor, more } = home
    let after: string | null = null
    for (let page = 1; page <= mostPages; page++) {
      const variables = { of: sent(query, 'of', of), ...(cursor === undefined ? {} : { after }) }
      const data = await questions.data(query, variables, context)
      answersAbout(data, home.same, of, manifest.caseless === true)
      const items = wholeAt(data, home.items)
      if (items === undefined) throw new Unestablished('view_incomplete')
      if (items.some((item) => idOf(item) === id)) return true
      if (more === undefined || !hasMore(data, more)) return false
      const [next] = cursor === undefined ? [] : (wholeAt(data, cursor) ?? [])
      const text = idOf(next)
      if (text === undefined || text === after) throw new Unestablished('view_incomplete')
      after = text
    }
    throw new Unestablished('too_many')
  }

  async function find(ref: ResourceRef, context: LocateContext): Promise<Found> {
    try {
      return { ok: true, places: await placesOf(ref.kind, ref.id, context) }
    } catch (error) {
      if (!(error instanceof Unestablished)) throw error
      return { ok: false, why: error.why }
    }
  }

  async function locate(invocation: Invocation, context: LocateContext): Promise<Located> {
    if (invocation.scope !== 'environment') return { places: [], unresolved: [] }
    if (manifest.credential_is_environment === true) return { places: ['key:own'], unresolved: [] }
    const places = new Set<Place>()
    const named = new Set<Place>()
    const unresolved: Unresolved[] = []
    const containers: { readonly ref: ResourceRef; readonly places: readonly Place[] }[] = []
    for (const ref of invocation.resources) {
      const found = await find(ref, context)
      if (!found.ok) unresolved.push({ kind: ref.kind, id: ref.id, why: found.why })
      else if (ref.role === 'container') containers.push({ ref, places: found.places })
      else
        for (const one of found.places) {
          places.add(one)
          if (ref.role === 'environment') named.add(one)
        }
    }
    for (const { ref, places: own } of containers) {
      if (named.size === 0) for (const one of own) places.add(one)
      else if (![...named].every((one) => own.includes(one)))
        unresolved.push({ kind: ref.kind, id: ref.id, why: 'outside_container' })
    }
    return { places: [...places], unresolved }
  }

  return async (invocation, context) => {
    const located = await locate(invocation, context)
    if (isWrite(invocation)) questions.forget(context.cacheKey)
    return located
  }
}

/** As the query's variable takes it. An id that is no number cannot be asked for as one. */
function sent(query: string, variable: string, id: string): string | number {
  if (!new RegExp(`\\$${variable}\\s*:\\s*Int\\b`).test(query)) return id
  if (!/^(?:0|-?[1-9][0-9]{0,9})$/.test(id)) throw new Unestablished('not_found')
  return Number(id)
}

/** Against a server that reads ids loosely, and answers about another. */
function answersAbout(data: unknown, same: string, id: string, caseless = false): void {
  const [value] = wholeAt(data, same) ?? []
  const text = idOf(value)
  if (text === undefined) throw new Unestablished('not_found')
  if (text !== id && !(caseless && text.toLowerCase() === id))
    throw new Unestablished('lookup_failed')
}

/** What does not say clearly that it is all may not be. */
function hasMore(data: unknown, path: string): boolean {
  const [value] = wholeAt(data, path) ?? []
  return value !== false
}

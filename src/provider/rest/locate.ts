/**
 * Where an operation reaches, from the homes that a manifest states. Every id is established on its own: that an
 * environment stands beside it in the arguments proves nothing. A view that is not complete is no view.
 */
import {
  place,
  type Invocation,
  type Located,
  type Place,
  type ResourceRef,
  type Unresolved,
} from '../../core/operation.ts'
import type { LocateContext } from '../adapter.ts'
import { spelling, valuesAt } from '../answer.ts'
import { isWrite } from '../kept-answers.ts'
import { Unestablished } from '../unestablished.ts'
import type { Answers } from './answers.ts'
import type { Home, RestManifest, Self } from './manifest.ts'
import { encodeSegment, isSegment } from './segment.ts'

/** More pages than this are not a list that can be read for one request. */
const mostPages = 15

export function createLocator(
  manifest: RestManifest,
  answers: Answers,
): (invocation: Invocation, context: LocateContext) => Located | Promise<Located> {
  const { homes, self } = manifest

  function placeOf(kind: string, id: string): Place {
    return place(kind, manifest.caseless === true ? id.toLowerCase() : id)
  }

  async function placesOf(ref: ResourceRef, context: LocateContext): Promise<readonly Place[]> {
    const home = Object.hasOwn(homes, ref.kind) ? homes[ref.kind] : undefined
    if (home === undefined) throw new Unestablished('no_resolver')
    switch (home.is) {
      case 'place':
        return [placeOf(ref.kind, ref.id)]
      case 'asked':
        return asked(home, ref.id, context)
      case 'listed':
        return listed(home, ref.id, context)
    }
  }

  async function asked(
    home: Extract<Home, { is: 'asked' }>,
    id: string,
    context: LocateContext,
  ): Promise<readonly Place[]> {
    if (home.provided?.test(id) === true) return []
    // `..` would be a question about something else, and its answer would speak for this id.
    if (!isSegment(id)) throw new Unestablished('not_found')
    // An answer that nobody can tell to be about this id is about no id.
    if (home.same === undefined && home.path.includes('{id}'))
      throw new Unestablished('no_resolver')
    const json = await answers.get(
      home.path.replace('{id}', () => encodeSegment(id)),
      context,
    )
    if (home.same !== undefined) {
      const [named] = valuesAt(json, home.same)
      if (named === undefined || spelling(named) !== id) throw new Unestablished('lookup_failed')
    }
    const owners = valuesAt(json, home.at)
    // What lives nowhere we can see may live where we cannot.
    const more = home.unless !== undefined && valuesAt(json, home.unless).length > 0
    if (owners.length === 0 || more) throw new Unestablished('view_incomplete')
    const kind = kindOf(home.of, json)
    const found = owners.map((owner): [string, unknown] => [kind, owner])
    for (const { at, of } of home.also ?? [])
      found.push(...valuesAt(json, at).map((owner): [string, unknown] => [of, owner]))
    const places: Place[] = []
    for (const [of, value] of found) {
      const owner = spelling(value)
      if (owner === undefined || owner === '') throw new Unestablished('lookup_failed')
      places.push(...(await placesOf({ kind: of, id: owner, role: 'target', path: '' }, context)))
    }
    return places
  }

  async function listed(
    home: Extract<Home, { is: 'listed' }>,
    id: string,
    context: LocateContext,
  ): Promise<readonly Place[]> {
    // By a function: `$'` in the text of a replacement is not itself.
    const looked = home.spelled.replace('{id}', () => id)
    const prefix = `${home.of}:`
    const found: Place[] = []
    for (const where of context.bound) {
      if (!where.startsWith(prefix)) continue
      const items = await everyPage(home, where.slice(prefix.length), context)
      if (items.has(looked)) found.push(where)
    }
    // It may be of a place that is not bound: that is nobody's business here, and denied either way.
    if (found.length === 0) throw new Unestablished('not_found')
    return found
  }

  async function everyPage(
    home: Extract<Home, { is: 'listed' }>,
    of: string,
    context: LocateContext,
  ): Promise<ReadonlySet<string>> {
    const items = new Set<string>()
    const path = home.path.replace('{of}', () => encodeSegment(of))
    for (let page = 1; page <= mostPages; page++) {
      const mark = path.includes('?') ? '&' : '?'
      const json = await answers.get(`${path}${mark}page=${String(page)}`, context)
      for (const item of valuesAt(json, home.items)) {
        const text = spelling(item)
        if (text === undefined) throw new Unestablished('lookup_failed')
        items.add(text)
      }
      if (valuesAt(json, home.next).length === 0) {
        // Neither items nor a list of none: it was no page of this list at all.
        if (!hasList(json, home.items)) throw new Unestablished('lookup_failed')
        return items
      }
    }
    throw new Unestablished('too_many')
  }

  async function selfPlaces(asSelf: Self, context: LocateContext): Promise<readonly Place[]> {
    if (asSelf.is === 'key') return ['key:own']
    // Which environment the credential is: one for look-ups only may be another's.
    const [value] = valuesAt(await answers.get(asSelf.path, context, 'acting'), asSelf.at)
    const text = spelling(value)
    const id = text === undefined ? undefined : asSelf.as === undefined ? text : asSelf.as[text]
    if (id === undefined) throw new Unestablished('lookup_failed')
    return [placeOf(asSelf.of, id)]
  }

  return async (invocation, context) => {
    const places = new Set<Place>()
    const unresolved: Unresolved[] = []
    const establish = async (
      kind: string,
      id: string,
      find: () => Promise<readonly Place[]>,
    ): Promise<void> => {
      try {
        for (const found of await find()) places.add(found)
      } catch (error) {
        if (!(error instanceof Unestablished)) throw error
        unresolved.push({ kind, id, why: error.why })
      }
    }
    if (self !== undefined) await establish('credential', 'own', () => selfPlaces(self, context))
    for (const ref of invocation.resources)
      await establish(ref.kind, ref.id, () => placesOf(ref, context))
    if (isWrite(invocation)) answers.forget(context.cacheKey, context.actingKey)
    return { places: [...places], unresolved }
  }
}

function kindOf(of: Extract<Home, { is: 'asked' }>['of'], json: unknown): string {
  if (typeof of === 'string') return of
  const [named] = valuesAt(json, of.at)
  if (typeof named !== 'string' || !Object.hasOwn(of.kinds, named))
    throw new Unestablished('no_resolver')
  return of.kinds[named] ?? ''
}

function hasList(json: unknown, items: string): boolean {
  if (items.startsWith('*')) return Array.isArray(json)
  const at = items.slice(0, items.indexOf('.*'))
  return valuesAt(json, at).some((value) => Array.isArray(value))
}

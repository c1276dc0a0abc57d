/** One description and the catalogue that was compiled from it: what the report says of it. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Effect } from '../../src/core/operation.ts'
import type { CatalogueEntry } from '../../src/provider/adapter.ts'
import { isWantOfReview } from '../../src/provider/compile/report.ts'
import type { RestManifest } from '../../src/provider/rest/manifest.ts'

export type Listed = {
  readonly name: string
  readonly effects: readonly Effect[]
  /** Why it is denied; absent where it is not. */
  readonly denied?: string
}

export type Part = {
  /** `github/graphql`. */
  readonly title: string
  readonly source: string
  /** How many the description has; undefined where it is not at hand. */
  readonly described: number | undefined
  readonly operations: readonly Listed[]
  /** How many arguments are ids, by `kind role: resolver`. */
  readonly ids: ReadonlyMap<string, number>
  readonly unreviewed: readonly Listed[]
}

type Compiled = {
  readonly source?: string
  readonly operations: readonly {
    readonly name?: string
    readonly field?: string
    readonly path?: string
    readonly effects: string
    readonly denied?: string
    readonly ids?: string
  }[]
}

const providers = new URL('../../src/provider/', import.meta.url)

/** Where a kind of id lives, in a manifest's words. */
export type Resolver = (kind: string) => string

export function homesOf(manifest: Pick<RestManifest, 'homes'>): Resolver {
  return (kind) => {
    const home = Object.hasOwn(manifest.homes, kind) ? manifest.homes[kind] : undefined
    if (home === undefined) return 'no home: denied'
    if (home.is === 'place') return 'place'
    const of = typeof home.of === 'string' ? [home.of] : Object.values(home.of.kinds)
    return `${home.is}, of ${of.join(' or ')}`
  }
}

/** A part whose catalogue is a file that lists operations. `resolver` is of ids written `path:kind:role`. */
export function filePart(given: {
  readonly title: string
  readonly file: string
  readonly source?: string
  readonly described: number | undefined
  readonly resolver?: Resolver
  /** What in a path names an id that every operation with it has. */
  readonly inPaths?: { readonly names: string; readonly key: string }
}): Part {
  const text = readFileSync(new URL(given.file, providers), 'utf8')
  const compiled = JSON.parse(text) as Compiled
  const operations = compiled.operations.map(({ name, field, effects, denied }): Listed => ({
    name: name ?? field ?? '',
    effects: effects.split(' ') as Effect[],
    ...(denied === undefined ? {} : { denied }),
  }))
  const ids = new Map<string, number>()
  for (const { ids: written } of compiled.operations) {
    for (const id of written?.split(' ') ?? []) {
      const [, second = '', third] = id.split(':')
      const key =
        third === undefined
          ? `${second}: asked`
          : `${second} ${third}: ${given.resolver?.(second) ?? 'asked'}`
      ids.set(key, (ids.get(key) ?? 0) + 1)
    }
  }
  const { inPaths } = given
  if (inPaths !== undefined)
    ids.set(
      inPaths.key,
      compiled.operations.filter(({ path }) => path?.includes(inPaths.names) === true).length,
    )
  return {
    title: given.title,
    source: compiled.source ?? given.source ?? '—',
    described: given.described,
    operations,
    ids,
    unreviewed: operations.filter((one) => one.denied !== undefined && isWantOfReview(one.denied)),
  }
}

/** Of a provider that nobody described to this report: only what its adapter lists. */
export function adapterPart(title: string, entries: Iterable<CatalogueEntry>): Part {
  const operations = [...entries].map(({ name, effects, denied }) => ({
    name,
    effects,
    ...(denied === true ? { denied: 'denied to everyone' } : {}),
  }))
  return { title, source: '—', described: undefined, operations, ids: new Map(), unreviewed: [] }
}

/** The files of a folder of catalogues, without their ending. */
export function namesIn(folder: string): readonly string[] {
  return readdirSync(new URL(folder, providers)).map((name) => name.replace(/\.json$/, ''))
}

/**
 * The adapter of an operator's own provider. Its version covers its manifest as well: where an id lives is decided by
 * both.
 */
import { createHash } from 'node:crypto'
import type { CatalogueEntry, ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { loadOperation, type CompiledCatalogue, type CompiledOperation } from '../rest/catalogue.ts'
import { toRestManifest, type ImportedManifest } from './manifest.ts'

export type Imported = {
  readonly name: string
  readonly manifest: ImportedManifest
  readonly version: string
}

export function versionOf(manifest: ImportedManifest, catalogue: string): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(manifest)))
    .update('\n')
    .update(catalogue)
    .digest('hex')
}

/** The database gives members back in an order of its own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sorted(member)])
}

/** `catalogue` is asked for once, at the first use. */
export function importedAdapter(imported: Imported, catalogue: () => string): ProviderAdapter {
  const adapter = restAdapter({
    manifest: toRestManifest(imported.name, imported.manifest),
    catalogue,
  })
  let kinds: ReadonlyMap<string, readonly string[]> | undefined
  const kindsOf = (name: string): readonly string[] =>
    (kinds ??= new Map(
      (JSON.parse(catalogue()) as CompiledCatalogue).operations.map(
        (compiled) => [compiled.name, kindsIn(compiled)] as const,
      ),
    )).get(name) ?? []
  // A next version's manifest can say that an id lives where it did not: the operation is then another one.
  const entry = (one: CatalogueEntry): CatalogueEntry => ({
    ...one,
    fingerprint: printed(one, homesOf(kindsOf(one.name), imported.manifest)),
  })
  return {
    ...withoutVersion(adapter),
    catalogueVersion: imported.version,
    *operations() {
      for (const one of adapter.operations()) yield entry(one)
    },
    find(name) {
      const found = adapter.find(name)
      return found === undefined || found === 'ambiguous' ? found : entry(found)
    },
  }
}

function kindsIn(compiled: CompiledOperation): readonly string[] {
  return loadOperation(compiled).ids.flatMap(({ kind, absent }) =>
    absent === undefined ? [kind] : [kind, absent],
  )
}

/** All that decides where ids of these kinds live, from home to home. */
function homesOf(kinds: readonly string[], manifest: ImportedManifest): unknown {
  const { homes = {}, caseless = false, credential_is_environment: own = false } = manifest
  const found = new Map<string, unknown>()
  const open = [...kinds]
  for (let kind = open.pop(); kind !== undefined; kind = open.pop()) {
    const home = Object.hasOwn(homes, kind) ? homes[kind] : undefined
    if (home === undefined || found.has(kind)) continue
    found.set(kind, sorted(home))
    if (home.is !== 'place') open.push(home.of)
  }
  return [caseless, own, [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))]
}

function printed(entry: CatalogueEntry, homes: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([entry.fingerprint, homes]))
    .digest('hex')
    .slice(0, 16)
}

/** A copy would read the version, and with it the whole catalogue. */
function withoutVersion(adapter: ProviderAdapter): Omit<ProviderAdapter, 'catalogueVersion'> {
  const { catalogueVersion: _, ...rest } = Object.getOwnPropertyDescriptors(adapter)
  return Object.defineProperties({}, rest) as Omit<ProviderAdapter, 'catalogueVersion'>
}

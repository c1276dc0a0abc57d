/**
 * The adapter of an operator's own provider. Its version covers its manifest as well: where an id lives is decided by
 * both.
 */
import { createHash } from 'node:crypto'
import type { CatalogueEntry, ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
import { loadOperation, type CompiledOperation } from '../rest/catalogue.ts'
import { readCatalogue } from '../rest/written.ts'
import { graphqlAdapter } from './graphql/adapter.ts'
import { homesOf, sorted } from './homes.ts'
import type { ImportedManifest } from './manifest.ts'
import { toRestManifest } from './spoken.ts'

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

/** `catalogue` is asked for once, at the first use. */
export function importedAdapter(imported: Imported, catalogue: () => string): ProviderAdapter {
  const { name, manifest, version } = imported
  return manifest.graphql === undefined
    ? importedRest(imported, catalogue)
    : graphqlAdapter({ name, manifest, version, catalogue, path: manifest.graphql.path })
}

function importedRest(imported: Imported, catalogue: () => string): ProviderAdapter {
  const adapter = restAdapter({
    manifest: toRestManifest(imported.name, imported.manifest),
    catalogue,
  })
  let kinds: ReadonlyMap<string, readonly string[]> | undefined
  const kindsOf = (name: string): readonly string[] =>
    (kinds ??= new Map(
      readCatalogue(catalogue()).operations.map(
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

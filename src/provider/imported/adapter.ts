/**
 * The adapter of an operator's own provider. Its version covers its manifest as well: where an id lives is decided by
 * both.
 */
import { createHash } from 'node:crypto'
import type { ProviderAdapter } from '../adapter.ts'
import { restAdapter } from '../rest/adapter.ts'
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
  return { ...withoutVersion(adapter), catalogueVersion: imported.version }
}

/** A copy would read the version, and with it the whole catalogue. */
function withoutVersion(adapter: ProviderAdapter): Omit<ProviderAdapter, 'catalogueVersion'> {
  const { catalogueVersion: _, ...rest } = Object.getOwnPropertyDescriptors(adapter)
  return Object.defineProperties({}, rest) as Omit<ProviderAdapter, 'catalogueVersion'>
}

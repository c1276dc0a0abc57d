/** What of a manifest decides where ids live, for whoever must tell whether an operation is the one that was reviewed. */
import type { ImportedManifest } from './manifest.ts'

/** The database gives members back in an order of its own. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sorted(member)])
}

/** All that decides where ids of these kinds live, from home to home. */
export function homesOf(kinds: readonly string[], manifest: ImportedManifest): unknown {
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

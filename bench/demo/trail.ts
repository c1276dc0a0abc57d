/** The audit log of what the agent tried, one line an entry. Ids are shown by the names that the provider has for them. */
import type { RailwayWorld } from '../../test/support/railway-world.ts'
import type { Entry } from './admin.ts'

const columns = [8, 14, 22, 24, 22] as const
const heads = ['time', 'decision', 'operation', 'names', 'why'] as const

export type Names = (resource: string) => string

export function trail(entries: readonly Entry[], names: Names): readonly string[] {
  return [
    row(heads),
    row(columns.map((size) => '─'.repeat(size))),
    ...entries.map((entry) => {
      const operations = entry.operations ?? []
      const named = operations.flatMap((operation) => operation.resources).map(names)
      return row([
        entry.at.slice(11, 19),
        entry.result,
        operations.map((operation) => operation.name).join(', ') || '–',
        [...new Set(named)].join(', ') || '–',
        why(entry, names),
      ])
    }),
  ]
}

function why(entry: Entry, names: Names): string {
  const { reason = '', about = [] } = entry
  // What else there is to say stands in the columns before.
  return reason === 'outside' ? `outside: ${[...new Set(about.map(names))].join(', ')}` : reason
}

function row(cells: readonly string[]): string {
  const padded = cells.map((cell, i) => {
    const size = columns[i] ?? 0
    return cell.length > size ? `${cell.slice(0, size - 1)}…` : cell.padEnd(size)
  })
  return `  ${padded.join('  ')}`.trimEnd()
}

/** `volume:71c0…` → `production-data`. */
export function namesOf(world: RailwayWorld): Names {
  const known = new Map<string, string>()
  for (const things of [world.projects, world.environments, world.services, world.volumes])
    for (const { id, name } of things.values()) known.set(id, name)
  for (const { id, environmentId } of world.deployments.values())
    known.set(id, `${known.get(environmentId) ?? ''}’s deployment`)
  return (resource) => {
    const colon = resource.indexOf(':')
    return known.get(resource.slice(colon + 1)) ?? resource
  }
}

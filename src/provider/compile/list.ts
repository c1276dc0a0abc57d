/** A plain list `[method, path, operation]`: what is known of a provider that publishes no description. */
import type { Described } from './described.ts'

/**
 * Names that come twice get the rest of their path behind them, so that each row is an operation of its own. What their
 * parameters and bodies hold is not known, and any may come. Throws where a row is not three texts.
 */
export function readList(rows: unknown, form: 'json' | 'form' = 'json'): readonly Described[] {
  if (!Array.isArray(rows)) throw new Error('a list of operations is a JSON list')
  const read = rows.map((row: unknown, i) => {
    if (!Array.isArray(row) || row.length !== 3 || !row.every((cell) => typeof cell === 'string'))
      throw new Error(`row ${String(i)} is not [method, path, operation]`)
    const [method = '', path = '', name = ''] = row as readonly string[]
    return { method: method.toUpperCase(), path, name }
  })
  const counts = new Map<string, number>()
  for (const { name } of read) counts.set(name, (counts.get(name) ?? 0) + 1)
  return read.map(({ method, path, name }): Described => {
    const plain = plainName(name)
    return {
      name: counts.get(name) === 1 ? plain : `${plain}/${method.toLowerCase()}${plainName(path)}`,
      method,
      path: plainPath(path),
      parameters: undefined,
      body:
        method === 'GET' || method === 'HEAD'
          ? undefined
          : { members: undefined, form, upload: [] },
      scopes: [],
      reveals: [],
    }
  })
}

/** What a verb may spell: letters, digits and `_ . / -`. */
function plainName(name: string): string {
  return name.replace(/[^A-Za-z0-9_./-]+/g, '-')
}

/** Parameters as templates write them; a path that ends in `/` is the same without. */
function plainPath(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

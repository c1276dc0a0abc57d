/** What stands where in a JSON answer that someone else wrote. */

/** The values at a dotted path, `*` for every item of a list. Null and absent are nothing. */
export function valuesAt(json: unknown, path: string): readonly unknown[] {
  let values: readonly unknown[] = [json]
  for (const key of path === '' ? [] : path.split('.')) {
    values = values.flatMap((value): readonly unknown[] => {
      if (key === '*') return Array.isArray(value) ? (value as readonly unknown[]) : []
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
      if (!Object.hasOwn(value, key)) return []
      const next = (value as Readonly<Record<string, unknown>>)[key]
      return next === null || next === undefined ? [] : [next]
    })
  }
  return values
}

/** Ids come as texts or numbers; anything else is none. */
export function spelling(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'boolean' ? String(value) : undefined
}

/** The answer with `[redacted]` at every path that carries a credential; `*` is any member or item, `**` any depth. */
export function redacted(json: unknown, paths: readonly (readonly string[])[]): unknown {
  if (paths.length === 0) return json
  if (paths.some((path) => path.every((key) => key === '**'))) return '[redacted]'
  if (typeof json !== 'object' || json === null) return json
  const below = (key: string): readonly (readonly string[])[] =>
    paths.flatMap((path) => steps(path, key))
  if (Array.isArray(json)) {
    // Where a path leaves a list out, its items are meant.
    const items = [...below('*'), ...paths.filter(([first]) => first !== '*')]
    return json.map((item: unknown) => redacted(item, items))
  }
  return Object.fromEntries(
    Object.entries(json).map(([key, value]: [string, unknown]) => [
      key,
      redacted(value, below(key)),
    ]),
  )
}

/** What is left of a path below a member of that name. */
function steps(path: readonly string[], key: string): readonly (readonly string[])[] {
  const [first, ...rest] = path
  if (first === '**') return [path, ...steps(rest, key)]
  return first === '*' || first === key ? [rest] : []
}

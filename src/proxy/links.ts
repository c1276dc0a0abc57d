/**
 * The `Link` field of an answer (RFC 8288). A provider names the next page by its own address, and clients follow it with
 * what they have: the capability would leave for the provider, and the request would miss the broker. What names the same
 * resource as the request is named by the address that the agent used; what else lies at the provider is left out.
 */
export type LinkBase = {
  /** The provider's: first the one that the request went to, then those by which it may call itself. */
  readonly origins: readonly [string, ...string[]]
  /** As it left. */
  readonly path: string
  /** The address, without a query, under which the agent asked for it. */
  readonly askedAt: string
  /** Whether the provider means the same resource by another path; see `ProviderAdapter.samePath`. */
  readonly samePath: ((asked: string, named: string) => boolean) | undefined
}

/** The value for the agent; undefined where nothing is left of it. Linear in its length. */
export function linksFor(base: LinkBase, value: string): string | undefined {
  const kept: string[] = []
  for (const { target, parameters } of linksOf(value)) {
    const asked = base.origins[0] + base.path
    const named = URL.canParse(target, asked) ? new URL(target, asked) : undefined
    if (named === undefined) continue
    // By whatever scheme or port: what a client follows there takes the capability along.
    const theirs = base.origins.some((origin) => new URL(origin).hostname === named.hostname)
    if (!theirs) kept.push(`<${target}>${parameters}`)
    else if (named.pathname === base.path || base.samePath?.(base.path, named.pathname) === true)
      kept.push(`<${base.askedAt}${named.search}>${parameters}`)
  }
  return kept.length === 0 ? undefined : kept.join(', ')
}

/** Each `<target>` with what stands behind it. A comma parts two, but not within a quoted string. */
function* linksOf(value: string): Generator<{ target: string; parameters: string }> {
  let at = 0
  for (;;) {
    const start = value.indexOf('<', at)
    const end = value.indexOf('>', start + 1)
    if (start === -1 || end === -1) return
    let stop = end + 1
    let quoted = false
    for (; stop < value.length; stop++) {
      const letter = value[stop]
      if (quoted && letter === '\\') stop++
      else if (letter === '"') quoted = !quoted
      else if (letter === ',' && !quoted) break
    }
    yield { target: value.slice(start + 1, end), parameters: value.slice(end + 1, stop).trimEnd() }
    at = stop + 1
  }
}

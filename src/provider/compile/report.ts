/**
 * What a compilation came to, for the person who reviews it: how every operation was classified and why, and what is
 * denied until somebody has looked. Whatever stands in it was written by others, so it holds printable ASCII only: it
 * is read in terminals and logs, where control and bidirectional characters would lie.
 */
import { effects, type Effect } from '../../core/operation.ts'
import type { Explained } from './compile.ts'

export type ReportedOperation = {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly effects: readonly Effect[]
  readonly scope: string
  /** One for each effect. */
  readonly why: readonly string[]
  /** `path:kind:role` of each id. */
  readonly ids: readonly string[]
  /** Why it is refused to everyone; absent where it is not. */
  readonly denied?: string
  /** True where it is denied for want of review, and not because a review says so. */
  readonly unreviewed: boolean
}

export type Report = {
  readonly source: string
  /** As many as the description has. */
  readonly operations: number
  readonly effects: Readonly<Record<Effect, number>>
  readonly scopes: Readonly<Record<'environment' | 'public' | 'account', number>>
  /** How many are denied for want of review. */
  readonly unreviewed: number
  /** How many are denied because a review says so. */
  readonly denied: number
  readonly listed: readonly ReportedOperation[]
  /** Of a GraphQL schema, by `Type.field`: refused until reviewed, and secret by rule. The first of each. */
  readonly edges?: { readonly unclassified: readonly string[]; readonly secret: readonly string[] }
}

/** Printable ASCII, at most `most` characters. */
export function plain(text: string, most = 300): string {
  // One character of input is at most six of output.
  const escaped = text
    .slice(0, most)
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return escaped.length <= most ? escaped : escaped.slice(0, most)
}

/**
 * Whether the reason for which a committed catalogue denies an operation is a doubt of the rules, in their own words
 * (classify, compile), and not what a person wrote in a review.
 */
export function isWantOfReview(denied: string): boolean {
  return /^(?:it names an id whose role was not reviewed: |neither its name nor its path says what it does|it is a [A-Z]+ that asks for the permission )/.test(
    denied,
  )
}

export function reportOf(source: string, explained: readonly Explained[]): Report {
  const listed = explained.map(({ operation, classified, unreviewed }): ReportedOperation => {
    const { denied } = operation
    return {
      name: plain(operation.name),
      method: plain(operation.method, 20),
      path: plain(operation.path),
      effects: classified.effects,
      scope: operation.scope,
      why: classified.why.map((reason) => plain(reason)),
      ids: operation.ids === undefined ? [] : operation.ids.split(' ').map((id) => plain(id)),
      ...(denied === undefined ? {} : { denied: plain(denied) }),
      unreviewed: unreviewed !== undefined,
    }
  })
  return summarise(plain(source), listed)
}

export function summarise(source: string, listed: readonly ReportedOperation[]): Report {
  const having = (effect: Effect): number =>
    listed.filter((one) => one.effects.includes(effect)).length
  const inScope = (scope: string): number => listed.filter((one) => one.scope === scope).length
  return {
    source,
    operations: listed.length,
    effects: Object.fromEntries(effects.map((effect) => [effect, having(effect)])) as Record<
      Effect,
      number
    >,
    scopes: {
      environment: inScope('environment'),
      public: inScope('public'),
      account: inScope('account'),
    },
    unreviewed: listed.filter((one) => one.unreviewed).length,
    denied: listed.filter((one) => one.denied !== undefined && !one.unreviewed).length,
    listed,
  }
}

/** As lines of text. `verbose`: operation by operation. */
export function reportLines(report: Report, verbose: boolean): readonly string[] {
  const counted = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', ')
  const lines = [
    `source: ${report.source}`,
    `operations: ${String(report.operations)}`,
    `effects: ${counted(report.effects)}`,
    `scopes: ${counted(report.scopes)}`,
    `denied by review: ${String(report.denied)}`,
    `denied for want of review: ${String(report.unreviewed)}`,
  ]
  const { edges } = report
  if (edges !== undefined) {
    lines.push(`edges to review: ${String(edges.unclassified.length)}`)
    lines.push(`secret fields: ${String(edges.secret.length)}`)
    if (verbose) {
      for (const edge of edges.unclassified) lines.push(`  to review: ${edge}`)
      for (const edge of edges.secret) lines.push(`  secret: ${edge}`)
    }
  }
  for (const one of report.listed) {
    if (verbose) {
      lines.push(`${one.name}  ${one.method} ${one.path}  ${one.effects.join(' ')}`)
      for (const reason of one.why) lines.push(`    ${reason}`)
      if (one.ids.length > 0) lines.push(`    ids: ${one.ids.join(' ')}`)
      if (one.scope !== 'environment') lines.push(`    scope: ${one.scope}`)
    }
    if (one.denied === undefined || !(verbose || one.unreviewed)) continue
    lines.push(
      verbose
        ? `    ${one.unreviewed ? 'to review' : 'denied'}: ${one.denied}`
        : `  to review: ${one.name}: ${one.denied}`,
    )
  }
  return lines
}

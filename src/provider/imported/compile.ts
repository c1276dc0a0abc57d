/**
 * From a description and a review to the catalogue of an operator's own provider, with the report of how each operation
 * was classified and why. Pure; bounded by what it is given. Every operation of the description is in the catalogue.
 */
import { createHash } from 'node:crypto'
import { soundsLikeAnAct } from '../compile/classify.ts'
import { explain, serialise, type Explained } from '../compile/compile.ts'
import { DescriptionError } from '../compile/openapi.ts'
import { plain, reportOf, type Report } from '../compile/report.ts'
import { openCatalogue } from '../rest/open.ts'
import { readDescription, longestDescription, type DescriptionKind } from './description.ts'
import { openGraphql } from './graphql/catalogue.ts'
import { compileGraphql } from './graphql/compile.ts'
import { LookUpError } from './graphql/look-up.ts'
import type { ImportedManifest } from './manifest.ts'
import { ReviewError, toReview, type ImportedReview } from './review.ts'
import { screen, type Screened } from './screen.ts'

export type Work = {
  readonly description: string
  readonly kind: DescriptionKind
  /** Where the description came from, in the admin's words. */
  readonly source?: string | undefined
  readonly manifest?: ImportedManifest | undefined
  readonly review: ImportedReview
}

export type Compiled =
  | {
      readonly ok: true
      /** What `restAdapter` or `graphqlAdapter` loads. */
      readonly catalogue: string
      readonly report: Report
    }
  | {
      readonly ok: false
      readonly detail: string
      /** What of the import is wrong, where it is not the description: `/review`. */
      readonly pointer?: string
    }

/** `detail` of a refusal is one line of printable ASCII. */
export function compileImported(work: Work): Compiled {
  try {
    return compile(work)
  } catch (error) {
    if (error instanceof DescriptionError) return { ok: false, detail: plain(error.message) }
    if (error instanceof ReviewError)
      return { ok: false, detail: plain(error.message), pointer: '/review' }
    if (error instanceof LookUpError)
      return { ok: false, detail: plain(error.message), pointer: error.pointer }
    if (error instanceof RangeError)
      return { ok: false, detail: 'the description is nested too deeply, or too large' }
    throw error
  }
}

/** Edges that a report lists, of each kind. */
const mostListed = 2_000

function compile({ description, kind, source, manifest, review }: Work): Compiled {
  if (description.length > longestDescription)
    throw new DescriptionError(`it is longer than ${String(longestDescription)} characters`)
  const digest = createHash('sha256').update(description).digest('hex')
  const from = `${source === undefined ? 'imported' : plain(source, 100)} sha256:${digest}`
  const rules = toReview(from, manifest, review)
  if (kind === 'graphql') {
    const compiled = compileGraphql({ description, source: from, manifest, review, rules })
    const { unclassified, secret } = compiled.edges
    // It must load, or it is not stored.
    openGraphql(compiled.catalogue)
    return {
      ok: true,
      catalogue: compiled.catalogue,
      report: {
        ...reportOf(from, compiled.explained),
        edges: {
          unclassified: unclassified.slice(0, mostListed).map((edge) => plain(edge)),
          secret: secret.slice(0, mostListed).map((edge) => plain(edge)),
        },
      },
    }
  }
  const screened = screen(readDescription(description, kind))
  checkReviewed(screened, review)
  const doubts = new Map(screened.map((one) => [one.described.name, one]))
  const open = new Set(review.open)
  const explained = explain(
    screened.map((one) => one.described),
    rules,
  ).map((one) => {
    const about = doubts.get(one.operation.name)
    return about === undefined ? one : decided(one, about, manifest, review, open)
  })
  const catalogue = serialise({
    source: from,
    operations: explained.map((one) => one.operation),
  })
  // It must load, or it is not stored.
  openCatalogue(catalogue)
  return { ok: true, catalogue, report: reportOf(from, explained) }
}

function checkReviewed(screened: readonly Screened[], review: ImportedReview): void {
  const known = new Set(screened.map((one) => one.described.name))
  const { effects = {}, denied = {}, conditions = {}, reveals = {} } = review
  const lost = [
    ...[effects, denied, conditions, reveals].flatMap((one) => Object.keys(one)),
    ...[review.public, review.account, review.open].flatMap((one) => one ?? []),
  ].filter((name) => !known.has(name))
  if (lost.length > 0)
    throw new ReviewError(
      `reviewed, but not in the description: ${[...new Set(lost)].slice(0, 5).join(', ')}`,
    )
}

/** The compiled operation, with what the screening found. */
function decided(
  { operation, classified, unreviewed }: Explained,
  { described, unmatched, doubt }: Screened,
  manifest: ImportedManifest | undefined,
  review: ImportedReview,
  open: ReadonlySet<string>,
): Explained {
  if (unmatched !== undefined) {
    const { name, method, effects } = operation
    return {
      operation: {
        name,
        method: plain(method, 20),
        path: plain(described.path),
        unmatched: true,
        effects,
        scope: 'account',
        denied: unmatched,
      },
      classified,
      unreviewed: unmatched,
    }
  }
  const unsaid =
    manifest?.credential_is_environment !== true &&
    operation.scope === 'environment' &&
    !open.has(operation.name) &&
    (operation.query === '*' || operation.body === '*')
      ? 'the description does not say what it may hold, an id of something elsewhere among it'
      : undefined
  const acts = Object.hasOwn(review.effects ?? {}, operation.name)
    ? undefined
    : soundsLikeAnAct(described)
  const acting = acts === undefined ? undefined : `it is a ${described.method}, and says "${acts}"`
  const why = doubt ?? unreviewed ?? acting ?? unsaid
  const safe = why === undefined ? undefined : plain(why, 200)
  // A refusal that a person wrote stands before a doubt of ours.
  const reviewedDenial = operation.denied !== undefined && unreviewed === undefined
  if (reviewedDenial || safe === undefined) return { operation, classified, unreviewed: undefined }
  return { operation: { ...operation, denied: safe }, classified, unreviewed: safe }
}

/**
 * Compiles `catalogue.json` from Stripe's list of operations and our review of it:
 * `node src/provider/stripe/compile.ts [operations.json]`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { Described } from '../compile/described.ts'
import { readList } from '../compile/list.ts'
import { review } from './review.ts'

/** The first version of the API takes forms, the second takes JSON. */
export function describe(rows: unknown): readonly Described[] {
  return readList(rows, 'form').map((one) =>
    one.body === undefined || !one.path.startsWith('/v2/')
      ? one
      : { ...one, body: { ...one.body, form: 'json' } },
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = new URL('../../../../shared/specs/operations/stripe.json', import.meta.url)
  const rows = JSON.parse(readFileSync(process.argv[2] ?? shared, 'utf8')) as unknown
  const catalogue = compileCatalogue(describe(rows), review)
  writeFileSync(new URL('catalogue.json', import.meta.url), serialise(catalogue))
}

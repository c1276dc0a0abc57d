/**
 * Compiles `catalogue.json` from Anthropic's list of operations and our review of it:
 * `node src/provider/anthropic/compile.ts [operations.json]`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { Described } from '../compile/described.ts'
import { readList } from '../compile/list.ts'
import { reviewOf } from './review.ts'

/** What comes as a form of parts, files among them; the list does not say so. */
const uploads = new Set([
  'files.upload',
  'beta.skills.skills.create',
  'beta.skills.versions.create',
])

export function describe(rows: unknown): readonly Described[] {
  return readList(rows).map((one) =>
    one.body === undefined || !uploads.has(one.name)
      ? one
      : { ...one, body: { ...one.body, members: [], upload: ['multipart/form-data'] } },
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = new URL('../../../../shared/specs/operations/anthropic.json', import.meta.url)
  const rows = describe(JSON.parse(readFileSync(process.argv[2] ?? shared, 'utf8')) as unknown)
  const catalogue = compileCatalogue(rows, reviewOf(rows))
  writeFileSync(new URL('catalogue.json', import.meta.url), serialise(catalogue))
}

/**
 * Compiles `catalogue.json` from Kubernetes' list of operations and our review of it:
 * `node src/provider/kubernetes/compile.ts [operations.json]`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { CompiledCatalogue } from '../rest/catalogue.ts'
import { readRows, reviewOf } from './review.ts'

export function compile(operations: unknown): CompiledCatalogue {
  const rows = readRows(operations)
  return compileCatalogue(
    rows.map(({ described }) => described),
    reviewOf(rows),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = new URL('../../../../shared/specs/operations/kubernetes.json', import.meta.url)
  const rows = JSON.parse(readFileSync(process.argv[2] ?? shared, 'utf8')) as unknown
  writeFileSync(new URL('catalogue.json', import.meta.url), serialise(compile(rows)))
}

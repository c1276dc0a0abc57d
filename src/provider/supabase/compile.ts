/**
 * Compiles `catalogue.json` from Supabase's own description and our review of it:
 * `node src/provider/supabase/compile.ts [description.json]`. Only facts are taken, no sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { Described } from '../compile/described.ts'
import { readOpenApi } from '../compile/openapi.ts'
import { review } from './review.ts'

export function describe(description: Uint8Array): readonly Described[] {
  return readOpenApi(JSON.parse(Buffer.from(description).toString('utf8')))
}

export function compile(description: Uint8Array): string {
  return serialise(compileCatalogue(describe(description), review))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = '../../../../shared/specs/supabase-management-openapi.json'
  const description = process.argv[2] ?? new URL(shared, import.meta.url)
  writeFileSync(new URL('catalogue.json', import.meta.url), compile(readFileSync(description)))
}

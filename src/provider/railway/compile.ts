/**
 * Regenerates `schema.graphql` from Railway's published schema: names and types only, one definition a line. What the fields mean is reviewed by hand, in the tables beside it.
 *
 *     node src/provider/railway/compile.ts <schema of the provider> <file to write>
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { lean } from '../graphql/lean-schema.ts'

const [, script, from, to] = process.argv
if (
  script !== undefined &&
  import.meta.filename === script &&
  from !== undefined &&
  to !== undefined
)
  writeFileSync(to, lean(readFileSync(from, 'utf8')))

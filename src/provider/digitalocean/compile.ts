/**
 * Compiles `catalogue.json` from DigitalOcean's own description, an archive of YAML files, and our review of it:
 * `node src/provider/digitalocean/compile.ts [description.tar.gz]`. Only facts are taken, no sentence.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundle } from '../compile/bundle.ts'
import { compileCatalogue, serialise } from '../compile/compile.ts'
import type { Described } from '../compile/described.ts'
import { readOpenApi } from '../compile/openapi.ts'
import { readArchive } from './archive.ts'
import { review } from './review.ts'

const root = 'specification/DigitalOcean-public.v2.yaml'

export function describe(archive: Uint8Array): readonly Described[] {
  const files = readArchive(archive)
  return readOpenApi(bundle(root, (path) => files.get(path)))
}

export function compile(archive: Uint8Array): string {
  return serialise(compileCatalogue(describe(archive), review))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shared = '../../../../shared/specs/digitalocean-openapi-specification.tar.gz'
  const archive = process.argv[2] ?? new URL(shared, import.meta.url)
  writeFileSync(new URL('catalogue.json', import.meta.url), compile(readFileSync(archive)))
}

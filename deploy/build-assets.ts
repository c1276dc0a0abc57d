/**
 * The part of `npm run build` that the compiler does not do: empties `dist`, so that no file of an earlier build is
 * shipped (a migration left over there would be run), and copies what the program reads at run time. `package.json` is
 * among it because the program finds its version beside its sources, and they move to `dist/src`.
 */
import { cpSync, rmSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const dist = new URL('dist/', root)

const assets = [
  'package.json',
  'openapi.yaml',
  'src/provider/github/catalogue.json',
  'src/provider/railway/schema.graphql',
]

rmSync(dist, { recursive: true, force: true })
for (const asset of assets) cpSync(new URL(asset, root), new URL(asset, dist))

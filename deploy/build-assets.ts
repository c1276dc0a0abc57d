/**
 * The part of `npm run build` that the compiler does not do: empties `dist`, so that no file of an earlier build is
 * shipped (a migration left over there would be run), and copies what the program reads at run time. `package.json` is
 * among it because the program finds its version beside its sources, and they move to `dist/src`.
 */
import { cpSync, globSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)
const dist = new URL('dist/', root)

const assets = [
  'package.json',
  'openapi.yaml',
  // Catalogues and schemas, whichever providers there are.
  ...globSync('src/provider/**/*.{json,graphql}', { cwd: fileURLToPath(root) }),
  // What the pages load.
  ...globSync('src/http/console/assets/*', { cwd: fileURLToPath(root) }),
]

rmSync(dist, { recursive: true, force: true })
for (const asset of assets) cpSync(new URL(asset, root), new URL(asset, dist))

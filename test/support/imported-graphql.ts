/** An imported GraphQL schema without a broker around it: what a compilation and its adapter make of a request. */
import assert from 'node:assert/strict'
import type { Identified, ProviderAdapter } from '../../src/provider/adapter.ts'
import { importedAdapter } from '../../src/provider/imported/adapter.ts'
import { compileImported } from '../../src/provider/imported/compile.ts'
import type { ImportedManifest } from '../../src/provider/imported/manifest.ts'
import type { ImportedReview } from '../../src/provider/imported/review.ts'
import { depotManifest, depotReview, depotSchema } from './depot.ts'

export type Given = {
  readonly schema?: string
  readonly manifest?: ImportedManifest
  readonly review?: ImportedReview
}

/** For a schema that is not the depot's: every kind is a place, and nothing is looked up. */
const placed: ImportedManifest = {
  ...depotManifest,
  homes: Object.fromEntries(
    ['environment', 'project', 'server'].map((kind) => [kind, { is: 'place', form: 'text' }]),
  ),
}

function manifestOf({ schema, manifest }: Given): ImportedManifest {
  return manifest ?? (schema === undefined ? depotManifest : placed)
}

/** The depot's, where nothing else is given. */
export function compileDepot(given: Given = {}) {
  return compileImported({
    description: given.schema ?? depotSchema,
    kind: 'graphql',
    manifest: manifestOf(given),
    review: given.review ?? (given.schema === undefined ? depotReview : {}),
  })
}

export function adapterOf(given: Given = {}): ProviderAdapter {
  const compiled = compileDepot(given)
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.detail)
  const manifest = manifestOf(given)
  return importedAdapter({ name: 'depot', manifest, version: '1' }, () => compiled.catalogue)
}

/** `body`: a document, or all of the body. */
export function identify(
  adapter: ProviderAdapter,
  body: unknown,
  change: Partial<Parameters<ProviderAdapter['identify']>[0]> = {},
): Identified {
  return adapter.identify({
    method: 'POST',
    path: depotManifest.graphql?.path ?? '',
    query: undefined,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(typeof body === 'string' ? { query: body } : body)),
    ...change,
  })
}

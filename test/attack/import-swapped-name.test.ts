/**
 * The author of a description gives the next version of it names that were reviewed before, for requests that were not;
 * or an import says of a kind of id that it lives where it did not, or no longer that an answer carries a credential. A
 * grant that was reviewed against the version before must not cover it unseen.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeSince, reviewedVersion } from '../../src/core/reviewed.ts'
import { importedAdapter } from '../../src/provider/imported/adapter.ts'
import type { ImportedManifest } from '../../src/provider/imported/manifest.ts'
import type { CompiledOperation } from '../../src/provider/rest/catalogue.ts'

const manifest: ImportedManifest = {
  origin: 'https://api.acme.example',
  homes: {
    project: { is: 'place', form: 'name' },
    server: { is: 'asked', path: '/servers/{id}', at: 'project', of: 'project', same: 'id' },
    disk: { is: 'asked', path: '/disks/{id}', at: 'server', of: 'server' },
    other: { is: 'asked', path: '/others/{id}', at: 'project', of: 'project' },
  },
}
const operation: CompiledOperation = {
  name: 'disks/get',
  method: 'GET',
  path: '/disks/{disk}',
  effects: 'read',
  scope: 'environment',
  ids: 'disk:disk:target',
  reveals: ['token'],
}

const listOf = (given: ImportedManifest, compiled: CompiledOperation) => {
  const catalogue = JSON.stringify({ source: 's', operations: [compiled] })
  return importedAdapter({ name: 'acme', manifest: given, version: '1' }, () => catalogue)
}

function changed(
  given: Partial<CompiledOperation>,
  homes: ImportedManifest['homes'] = {},
  more: Partial<ImportedManifest> = {},
) {
  const before = reviewedVersion(listOf(manifest, operation).operations())
  const next = { ...manifest, ...more, homes: { ...manifest.homes, ...homes } }
  const adapter = listOf(next, { ...operation, ...given })
  const [entry] = adapter.operations()
  assert.ok(entry)
  assert.deepEqual(adapter.find(entry.name), entry)
  return changeSince(before, entry)
}

test('a name that is another request now is another operation', () => {
  assert.equal(changed({}), undefined)
  assert.equal(changed({ path: '/keys/{disk}' }), 'changed')
  assert.equal(changed({ method: 'DELETE' }), 'changed')
})

test('an answer that is said to reveal less is that of another operation', () => {
  assert.equal(changed({ reveals: [] }), 'changed')
})

test('an operation whose ids live elsewhere now is another one, through every home on the way', () => {
  const { disk, server } = manifest.homes ?? {}
  assert.ok(disk?.is === 'asked' && server?.is === 'asked')
  assert.equal(changed({}, { disk: { ...disk, at: 'name' } }), 'changed')
  assert.equal(changed({}, { server: { ...server, at: 'name' } }), 'changed')
  assert.equal(changed({}, { other: { ...server, path: '/others/{id}' } }), undefined)
  assert.equal(changed({}, {}, { caseless: true }), 'changed')
})

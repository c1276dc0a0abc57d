import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { explain } from '../../../src/provider/compile/compile.ts'
import { supabaseAdapter } from '../../../src/provider/supabase/adapter.ts'
import { compile, describe } from '../../../src/provider/supabase/compile.ts'
import { review } from '../../../src/provider/supabase/review.ts'
import { readCatalogue } from '../../../src/provider/rest/written.ts'

const adapter = supabaseAdapter()
const committed = readFileSync(
  new URL('../../../src/provider/supabase/catalogue.json', import.meta.url),
  'utf8',
)
const { operations } = readCatalogue(committed)
const description = new URL(
  '../../../../shared/specs/supabase-management-openapi.json',
  import.meta.url,
)
const skip = existsSync(description) ? false : 'the description is not here'

test('the catalogue is what the description and the review compile to', { skip }, () => {
  const bytes = readFileSync(description)
  assert.ok(committed === compile(bytes), 'compile it anew')
  const unreviewed = explain(describe(bytes), review).filter((one) => one.unreviewed !== undefined)
  assert.deepEqual(
    unreviewed.map((one) => one.operation.name),
    [],
  )
})

test('it has as many operations as the description has operationIds', { skip }, () => {
  const ids = readFileSync(description, 'utf8').match(/"operationId":/g) ?? []
  assert.equal(operations.length, ids.length)
})

test('what is refused to everyone are the steps of signing in', () => {
  assert.deepEqual(
    operations.filter((one) => one.denied !== undefined).map(({ name }) => name),
    [
      'v1-authorize-user',
      'v1-exchange-oauth-token',
      'v1-oauth-authorize-project-claim',
      'v1-revoke-token',
    ],
  )
})

const expected: Readonly<Record<string, string>> = {
  'v1-get-project': 'read',
  'v1-run-a-query': 'read',
  'v1-read-only-query': 'read',
  'v1-list-all-network-bans': 'read',
  'v1-list-migration-history': 'read',
  'v1-get-postgrest-service-config': 'read',
  'v1-deploy-a-function': 'write',
  'v1-apply-a-migration': 'write',
  'v1-rollback-migrations': 'write destructive',
  'v1-delete-a-project': 'write destructive admin',
  'v1-pause-a-project': 'write destructive',
  'v1-restore-a-project': 'write destructive admin',
  'v1-restore-pitr-backup': 'write destructive',
  'v1-restore-physical-backup': 'write destructive',
  'v1-create-restore-point': 'write',
  'v1-merge-a-branch': 'write destructive',
  'v1-delete-a-branch': 'write destructive',
  'v1-list-all-secrets': 'read secret',
  'v1-get-project-api-keys': 'read secret',
  'v1-get-auth-service-config': 'read secret',
  'v1-get-pgsodium-config': 'read secret',
  'v1-bulk-create-secrets': 'write secret admin',
  'v1-update-network-restrictions': 'write admin',
  'v1-update-ssl-enforcement-config': 'write admin',
  'v1-activate-custom-hostname': 'write admin',
  'v1-update-postgrest-service-config': 'write admin',
  'v1-create-login-role': 'write secret admin',
}

test('well-known operations have the effects that they have', () => {
  for (const [name, effects] of Object.entries(expected)) {
    const found = adapter.find(name)
    assert.ok(found !== undefined && found !== 'ambiguous', name)
    assert.equal(found.effects.join(' '), effects, name)
  }
})

test('nothing that is not a GET is a read, but for what was reviewed', () => {
  const reads = operations.filter(({ method, effects }) => {
    return method !== 'GET' && method !== 'HEAD' && effects.startsWith('read')
  })
  assert.deepEqual(reads.map(({ name }) => name).toSorted(), [
    'v1-check-vanity-subdomain-availability',
    'v1-list-all-network-bans',
    'v1-list-all-network-bans-enriched',
    'v1-read-only-query',
    'v1-run-a-query',
  ])
})

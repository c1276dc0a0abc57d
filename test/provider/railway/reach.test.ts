import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ask } from '../../../src/provider/adapter.ts'
import { adapter } from '../../support/railway-verdict.ts'
import { railwayExecutor } from '../../support/railway-stand-in.ts'
import { railwayIds as ids, railwayWorld } from '../../support/railway-world.ts'
import type { RailwayToken } from '../../support/railway-root.ts'

const bound = new Set([`environment:${ids.staging}`])

function asked(token: RailwayToken): Ask {
  const execute = railwayExecutor(railwayWorld(), token)
  return async (question) => ({
    status: 200,
    json: await execute(JSON.parse(question.body?.toString() ?? '')),
  })
}

const reach = async (ask: Ask) => (await adapter.reach(ask, bound)).kind

test('a project token of the bound environment reaches no further', async () => {
  const token = { value: 't', kind: 'project', environmentId: ids.staging } as const
  assert.equal(await reach(asked(token)), 'within')
})

test('a project token of another environment, a workspace token and an account token reach further', async () => {
  assert.equal(
    await reach(asked({ value: 't', kind: 'project', environmentId: ids.production })),
    'wider',
  )
  assert.equal(await reach(asked({ value: 't', kind: 'workspace' })), 'wider')
  assert.equal(await reach(asked({ value: 't', kind: 'account' })), 'wider')
})

test('a token that Railway does not know is rejected, and silence is not an answer', async () => {
  const refused = { errors: [{ message: 'Not Authorized' }], data: null }
  assert.equal(await reach(async () => ({ status: 200, json: refused })), 'rejected')
  assert.equal(await reach(async () => ({ status: 401, json: undefined })), 'rejected')
  assert.equal(await reach(async () => ({ status: 503, json: undefined })), 'unknown')
  assert.equal(await reach(() => Promise.reject(new Error('connection lost'))), 'unknown')
})
